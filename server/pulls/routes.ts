import { createRoute, z } from '@hono/zod-openapi'
import type { PullHeadId } from '#pipelines/ids.ts'
import { PULL_HEAD_STATES } from '#pipelines/states.ts'
import type { Db } from '../db/connect.ts'
import { body, json, routes } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { decidePull, type Said } from './decide.ts'
import { findPulls } from './find-pulls.ts'
import { PullHead, PullHeadList } from './shapes.ts'

const whole = z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER)
const WithPull = z.object({
  project: z.string().max(100),
  number: whole.openapi({ param: { in: 'path', name: 'number' }, type: 'integer' }),
})
const Decision = z.object({
  head: z
    .string()
    .regex(/^[0-9a-f]{7,64}$/, {
      error: 'must be the hash of a commit, or 7 or more digits that it begins with',
    })
    .openapi({ description: 'The commit that was looked at; one that came since is asked about anew' }),
  comment: z.string().max(1_000).optional(),
})

const tags = ['Pull requests']
const list = createRoute({
  method: 'get',
  path: '/pulls',
  tags,
  summary: 'Commits of forks that somebody was asked about, newest first',
  request: {
    query: z.object({
      state: z.enum(PULL_HEAD_STATES).optional(),
      project: z.string().max(100).optional(),
      number: whole.optional().openapi({ type: 'integer' }),
      after: whole.optional().openapi({ description: '`next` of the page before', type: 'integer' }),
      limit: z.coerce.number().int().min(1).max(100).default(50),
    }),
  },
  responses: { 200: json(PullHeadList, 'A page of them') },
})
const approve = createRoute({
  method: 'post',
  path: '/projects/{project}/pulls/{number}/approve',
  tags,
  summary: 'Let the head of a fork’s pull request run: this very commit, and no later one',
  request: { params: WithPull, body: body(Decision) },
  responses: { 200: json(PullHead, 'As it stands then') },
})
const reject = createRoute({
  method: 'post',
  path: '/projects/{project}/pulls/{number}/reject',
  tags,
  summary: 'Keep the head of a fork’s pull request from running',
  request: { params: WithPull, body: body(Decision) },
  responses: { 200: json(PullHead, 'As it stands then') },
})

/** Pull requests whose commits others wrote. */
export const pullRoutes = ({ db }: { db: Db }) => {
  const decided = async (
    at: z.output<typeof WithPull>,
    said: z.output<typeof Decision>,
    { verdict, access, user }: Pick<Said, 'verdict'> & Asker,
  ) => {
    if (!user) throw new Problem('not-signed-in', 'sign in to decide')
    const id = await decidePull(db, at, {
      ...{ verdict, head: said.head, by: user.name },
      comment: said.comment || null,
    })
    const heads = await findPulls(db, { ...at, limit: 100 }, access)
    const head = heads.find((each) => each.id === id)
    if (!head) throw new Problem('pull-not-found', `there is no pr/${at.number} any more`)
    return head
  }
  return routes()
    .openapi(list, async (c) => {
      const { after, limit, ...filter } = c.req.valid('query')
      const asked = { ...filter, limit, before: after as PullHeadId | undefined }
      const items = await findPulls(db, asked, c.get('access'))
      const last = items.at(-1)
      return c.json({ items, next: last && items.length === limit ? String(last.id) : null }, 200)
    })
    .openapi(approve, async (c) => {
      const asker = { access: c.get('access'), user: c.get('user') }
      const said = { verdict: 'approved' as const, ...asker }
      return c.json(await decided(c.req.valid('param'), c.req.valid('json'), said), 200)
    })
    .openapi(reject, async (c) => {
      const asker = { access: c.get('access'), user: c.get('user') }
      const said = { verdict: 'rejected' as const, ...asker }
      return c.json(await decided(c.req.valid('param'), c.req.valid('json'), said), 200)
    })
}

type Asker = {
  readonly access: Parameters<typeof findPulls>[2]
  readonly user: { readonly name: string } | undefined
}
