import { createRoute, z } from '@hono/zod-openapi'
import { audited } from '../audit/on-record.ts'
import { theProject } from '../catalog/routes.ts'
import type { Db } from '../db/connect.ts'
import { json, routes } from '../http/kit.ts'
import { compareNow } from '../webhooks/comparisons.ts'
import { catchUp } from './catch-up.ts'

const params = z.object({ project: z.string().max(100) })
const time = z.string().openapi({ format: 'date-time' })
const Comparison = z
  .object({
    project: z.string(),
    compared_at: time.nullable().openapi({ description: 'When its refs were last held against those known' }),
    told: z.number().int().openapi({ description: 'How many differences that found' }),
    due: z.boolean().openapi({ description: 'It is under way, or about to be' }),
    error: z.string().nullable().openapi({ description: 'Why the last look came to nothing' }),
  })
  .openapi('Comparison')

const PATH = '/projects/{project}/catch-up'
const tags = ['Deliveries']
const get = createRoute({
  method: 'get',
  path: PATH,
  tags,
  summary: 'When the refs of a project’s repository were last compared, and what that found',
  request: { params },
  responses: { 200: json(Comparison, 'How it stands') },
})
const ask = createRoute({
  method: 'post',
  path: PATH,
  tags,
  summary: 'Compare the refs of a project’s repository now, and tell of every push that nobody told of',
  request: { params },
  responses: { 202: json(Comparison, 'It is compared') },
})

type Deps = { readonly db: Db; readonly dataDir: string }

/** Deliveries that were missed are found by comparing refs; so are pushes to repositories of ours, which are compared at once. */
export const catchUpRoutes = ({ db, dataDir }: Deps) => {
  async function standing(name: string): Promise<z.output<typeof Comparison>> {
    const { repository_id } = await theProject(db, name)
    const row = await db
      .selectFrom('comparisons')
      .select((eb) => ['compared_at', 'told', 'error', eb('due_at', '<=', eb.fn<Date>('now')).as('isDue')])
      .select((eb) => eb('lease_until', '>', eb.fn<Date>('now')).as('isUnderWay'))
      .where('repository_id', '=', repository_id)
      .executeTakeFirst()
    return {
      project: name,
      compared_at: row?.compared_at?.toISOString() ?? null,
      told: row?.told ?? 0,
      due: Boolean(row?.isDue || row?.isUnderWay),
      error: row?.error ?? null,
    }
  }
  return routes()
    .openapi(get, async (c) => c.json(await standing(c.req.valid('param').project), 200))
    .openapi(ask, async (c) => {
      const { name, kind, url, repository_id } = await theProject(db, c.req.valid('param').project)
      audited({ project: name })
      if (kind === 'hosted') await catchUp(db, dataDir, { id: repository_id, url })
      else await compareNow(db, repository_id)
      return c.json(await standing(name), 202)
    })
}
