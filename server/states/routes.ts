import { createRoute, z } from '@hono/zod-openapi'
import { etag } from '../http/expected-version.ts'
import { json, routes } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { diffStates } from './diff-states.ts'
import { newestOf, versionsOf } from './find-states.ts'
import { listStates } from './list-states.ts'
import {
  InPipeline,
  lane,
  number,
  OfVersion,
  OnLeg,
  State,
  StateContent,
  StateDiff,
  StateHistory,
  StateList,
  StatePath,
} from './shapes.ts'
import { calledOf, theState } from './the-state.ts'
import { contentOf, type Desk, viewState, whoOf } from './view-state.ts'

const tags = ['State']
const PATH = '/projects/{project}/pipelines/{pipeline}/states'
const ONE = `${PATH}/{of}/{name}` as const

const list = createRoute({
  method: 'get',
  path: PATH,
  tags,
  summary: 'What the jobs and the resources of a line remember on a lane',
  request: { params: InPipeline, query: z.object({ lane }) },
  responses: { 200: json(StateList, 'Their newest versions') },
})
const get = createRoute({
  method: 'get',
  path: ONE,
  tags,
  summary: 'What a job or a resource remembers: keys and files; its version is the ETag',
  request: {
    params: StatePath,
    query: OfVersion.extend({
      prefix: z.string().max(1_000).default('').openapi({ description: 'Only files that begin so' }),
      after: z.string().max(1_000).default('').openapi({ description: '`next` of the page before' }),
      limit: z.coerce.number().int().min(1).max(1_000).default(200),
    }),
  },
  responses: { 200: json(State, 'A version of it') },
})
const history = createRoute({
  method: 'get',
  path: `${ONE}/history`,
  tags,
  summary: 'The versions of a state, newest first: when, which run or person, and why',
  request: {
    params: StatePath,
    query: OnLeg.extend({
      before: number.optional().openapi({ type: 'integer', description: '`next` of the page before' }),
      limit: z.coerce.number().int().min(1).max(200).default(50),
    }),
  },
  responses: { 200: json(StateHistory, 'A page of versions') },
})
const content = createRoute({
  method: 'get',
  path: `${ONE}/content`,
  tags,
  summary: 'A file or a key as text, its secrets hidden; the first 256 KiB',
  request: {
    params: StatePath,
    query: OfVersion.extend({
      path: z.string().max(1_000).optional(),
      key: z.string().max(1_000).optional(),
    }),
  },
  responses: { 200: json(StateContent, 'What is in it') },
})
const diff = createRoute({
  method: 'get',
  path: `${ONE}/diff`,
  tags,
  summary: 'What two versions of a state have not in common',
  request: {
    params: StatePath,
    query: OnLeg.extend({
      from: number.optional().openapi({ type: 'integer', description: 'Without it the one before `to`' }),
      to: number.optional().openapi({ type: 'integer', description: 'Without it the newest' }),
    }),
  },
  responses: { 200: json(StateDiff, 'Keys, and files line by line') },
})

/** What lines remember, for people to look at. */
export const stateRoutes = (desk: Desk) => {
  const { db } = desk
  type Asked = { path: z.output<typeof StatePath>; query: z.output<typeof OnLeg> }
  const find = ({ path, query }: Asked) => theState(db, { path, lane: query.lane, leg: query.leg })
  return routes()
    .openapi(list, async (c) => {
      const { project, pipeline } = c.req.valid('param')
      return c.json(await listStates(desk, { project, pipeline, lane: c.req.valid('query').lane }), 200)
    })
    .openapi(get, async (c) => {
      const query = c.req.valid('query')
      const at = await find({ path: c.req.valid('param'), query })
      const state = await viewState(desk, at, { ...query, version: query.version })
      return c.json({ ...state, role: c.get('role') }, 200, { etag: etag(state.version) })
    })
    .openapi(history, async (c) => {
      const { before, limit, ...query } = c.req.valid('query')
      const at = await find({ path: c.req.valid('param'), query })
      const items = (await versionsOf(db, at, { before, limit })).map(whoOf)
      const next = items.length === limit ? String(items.at(-1)?.version ?? '') : null
      return c.json({ items, next }, 200)
    })
    .openapi(content, async (c) => {
      const query = c.req.valid('query')
      const at = await find({ path: c.req.valid('param'), query })
      return c.json(await contentOf(desk, at, { ...query, version: query.version }), 200)
    })
    .openapi(diff, async (c) => {
      const { from, to, ...query } = c.req.valid('query')
      const at = await find({ path: c.req.valid('param'), query })
      const until = to ?? (await newestOf(db, at)).version
      const [before] = from === undefined ? await versionsOf(db, at, { before: until, limit: 1 }) : []
      if (until === 0) throw new Problem('state-not-found', `${calledOf(at)} is nothing yet`)
      return c.json(await diffStates(desk, at, { from: from ?? before?.version ?? 0, to: until }), 200)
    })
}
