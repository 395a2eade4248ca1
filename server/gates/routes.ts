import { createRoute, z } from '@hono/zod-openapi'
import type { GateId, RunId } from '#pipelines/ids.ts'
import { MOST_REF_BYTES } from '#pipelines/refs.ts'
import { GATE_STATES } from '#pipelines/states.ts'
import type { Access } from '#pipelines/access/roles.ts'
import { audited } from '../audit/on-record.ts'
import type { Db } from '../db/connect.ts'
import { body, json, routes, type User } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { decide, type Decision } from './decide.ts'
import { type Asker, findGates } from './find-gates.ts'
import { commitsAt, type Reading } from './commits.ts'
import { Gate, GateCommits, GateList } from './shapes.ts'

const number = z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER)
const WithGateId = z.object({
  id: number.transform((id) => id as GateId).openapi({ param: { in: 'path', name: 'id' }, type: 'integer' }),
})
const Filter = z.object({
  state: z.enum(GATE_STATES).optional(),
  project: z.string().max(MOST_REF_BYTES).optional(),
  run: number.optional().openapi({ type: 'integer' }),
  after: number.optional().openapi({ description: '`next` of the page before', type: 'integer' }),
  limit: z.coerce.number().int().min(1).max(100).default(50),
})
const Decided = z.object({
  values: z
    .record(z.string().max(100), z.union([z.string(), z.number(), z.boolean()]))
    .optional()
    .openapi({ description: 'What the form asks for; who approves second may leave it out' }),
  comment: z.string().max(1_000).optional(),
})
const Refused = z.object({ comment: z.string().max(1_000).optional() })

const tags = ['Gates']
const list = createRoute({
  method: 'get',
  path: '/gates',
  tags,
  summary: 'Gates, newest first: what waits for decisions, and what was decided',
  request: { query: Filter },
  responses: { 200: json(GateList, 'A page of gates') },
})
const get = createRoute({
  method: 'get',
  path: '/gates/{id}',
  tags,
  summary: 'One gate',
  request: { params: WithGateId },
  responses: { 200: json(Gate, 'The gate') },
})
const commits = createRoute({
  method: 'get',
  path: '/gates/{id}/commits',
  tags,
  summary: 'The commits that would go through a gate, and did not when it was passed last',
  request: { params: WithGateId },
  responses: { 200: json(GateCommits, 'By resource, where its version is another one than then') },
})
const approve = createRoute({
  method: 'post',
  path: '/gates/{id}/approve',
  tags,
  summary: 'Say yes at a gate, with its form filled in',
  request: { params: WithGateId, body: { ...body(Decided), required: false } },
  responses: { 200: json(Gate, 'The gate as it stands then') },
})
const reject = createRoute({
  method: 'post',
  path: '/gates/{id}/reject',
  tags,
  summary: 'Say no at a gate: its run fails',
  request: { params: WithGateId, body: { ...body(Refused), required: false } },
  responses: { 200: json(Gate, 'The gate as it stands then') },
})

/** Of a request that nobody in particular made there is no user. */
type Known = { readonly var: { readonly access: Access; readonly user?: Pick<User, 'id' | 'name'> } }
const askerOf = ({ var: { access, user } }: Known): Asker => ({
  access,
  who: user ? { id: user.id, name: user.name, access } : null,
})

/** @throws {Problem} `gate-not-found`. */
async function theGate(db: Db, id: GateId, asker: Asker) {
  const [gate] = await findGates(db, { id, limit: 1 }, asker)
  if (!gate) throw new Problem('gate-not-found', `there is no gate ${id}`)
  return gate
}

export const gateRoutes = (reading: Reading) => {
  const { db } = reading
  const decideAs = async (id: GateId, asker: Asker, decision: Decision) => {
    if (!asker.who) throw new Problem('not-signed-in', 'sign in to decide')
    const { project, run } = await theGate(db, id, asker)
    audited({
      project,
      target: `gates/${id} (run ${run})`,
      ...(decision.comment ? { reason: decision.comment } : {}),
    })
    await decide(db, id, asker.who, decision)
    return theGate(db, id, asker)
  }
  return routes()
    .openapi(list, async (c) => {
      const { after, run, limit, ...filter } = c.req.valid('query')
      const asked = { ...filter, run: run as RunId | undefined, before: after as GateId | undefined, limit }
      const items = await findGates(db, asked, askerOf(c))
      const last = items.at(-1)
      return c.json({ items, next: last && items.length === limit ? String(last.id) : null }, 200)
    })
    .openapi(get, async (c) => c.json(await theGate(db, c.req.valid('param').id, askerOf(c)), 200))
    .openapi(commits, async (c) => {
      const gate = await theGate(db, c.req.valid('param').id, askerOf(c))
      return c.json({ items: await commitsAt(reading, gate), next: null }, 200)
    })
    .openapi(approve, async (c) => {
      const said = c.req.header('content-type') ? c.req.valid('json') : {}
      const decision = {
        verdict: 'approve',
        values: said.values ?? null,
        comment: said.comment || null,
      } as const
      return c.json(await decideAs(c.req.valid('param').id, askerOf(c), decision), 200)
    })
    .openapi(reject, async (c) => {
      const said = c.req.header('content-type') ? c.req.valid('json') : {}
      const decision = { verdict: 'reject', values: null, comment: said.comment || null } as const
      return c.json(await decideAs(c.req.valid('param').id, askerOf(c), decision), 200)
    })
}
