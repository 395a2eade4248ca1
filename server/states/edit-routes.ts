import { createRoute, z } from '@hono/zod-openapi'
import { ENV_NAME } from '#pipelines/language/shape/scalars.ts'
import { transact } from '../db/transact.ts'
import { etag, expectedIn, Preconditions } from '../http/expected-version.ts'
import { body, json, routes } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { fieldsOfVersion } from '../resources/fields.ts'
import { changedKeys } from '../versions/make-version.ts'
import { editResource } from './edit-resource.ts'
import { keyChange, reason, StateEdit, stateKey, StateNow, where } from './edit-shapes.ts'
import { editState, incrementKey, mustBeOpen, restoreState } from './edit-state.ts'
import type { StateVersion } from './find-states.ts'
import { lane, StatePath } from './shapes.ts'
import { type Remembering, theState } from './the-state.ts'
import { type Desk, nameOf, whoOf } from './view-state.ts'

const tags = ['State']
const ONE = '/projects/{project}/pipelines/{pipeline}/states/{of}/{name}' as const
const name = z.string().max(100)

const edit = createRoute({
  method: 'patch',
  path: ONE,
  tags,
  summary: 'Change keys and files: a new version; with If-Match only where it is still the one that was read',
  request: { params: StatePath, headers: Preconditions, body: body(StateEdit) },
  responses: { 200: json(StateNow, 'The newest version') },
})
const restore = createRoute({
  method: 'post',
  path: `${ONE}/restore`,
  tags,
  summary: 'Make what it was before the newest version again',
  request: {
    params: StatePath,
    headers: Preconditions,
    body: body(z.object({ ...where, version: z.number().int().min(0).max(999_999_999), reason })),
  },
  responses: { 200: json(StateNow, 'The newest version') },
})
const increment = createRoute({
  method: 'post',
  path: `${ONE}/increment`,
  tags,
  summary: 'Count a key of a resource up or down; everybody who does so at once is counted',
  request: {
    params: StatePath,
    body: body(
      z.object({
        lane,
        key: stateKey,
        by: z.number().int().min(-1e15).max(1e15).default(1),
        reason: reason.optional(),
      }),
    ),
  },
  responses: {
    200: json(StateNow.extend({ value: z.string() }).openapi('StateCount'), 'The newest version'),
  },
})
const params = createRoute({
  method: 'put',
  path: '/projects/{project}/pipelines/{pipeline}/resources/{resource}/params',
  tags,
  summary: 'Set values of a `params` resource: a new version, unless they are set so already',
  request: {
    params: z.object({ project: name, pipeline: name, resource: name }),
    headers: Preconditions,
    body: body(
      z
        .object({
          ...keyChange,
          set: z.record(z.string().regex(ENV_NAME), z.string().max(20_000)).default({}),
          lane,
          reason: reason.optional(),
        })
        .refine(({ set, unset, overwrite }) => Object.keys(set).length + unset.length > 0 || overwrite, {
          error: 'name at least one value in `set` or `unset`',
        }),
    ),
  },
  responses: {
    200: json(
      z.object({ version: z.string(), fields: z.record(z.string(), z.string()) }).openapi('Params'),
      'The newest version',
    ),
  },
})

const legOf = (leg: Readonly<Record<string, string>> | undefined) => leg && JSON.stringify(leg)
const told = (at: Remembering, now: StateVersion) => ({ ...nameOf(at), ...whoOf(now) })

/** What lines remember, changed by people. */
export const stateEditRoutes = (desk: Desk) =>
  routes()
    .openapi(edit, async (c) => {
      const { lane: onLane, leg, set, unset, overwrite, write, remove, reason: why } = c.req.valid('json')
      const at = await theState(desk.db, { path: c.req.valid('param'), lane: onLane, leg: legOf(leg) })
      const now = await editState(desk, at, {
        ...{ by: c.get('user').name, reason: why, expected: expectedIn(c.req.valid('header')) },
        keys: { set, unset, overwrite },
        files: { write: new Map(write.map((file) => [file.path, contentOf(file)])), remove },
        signal: c.req.raw.signal,
      })
      return c.json(told(at, now), 200, { etag: etag(now.version) })
    })
    .openapi(restore, async (c) => {
      const { lane: onLane, leg, version, reason: why } = c.req.valid('json')
      const at = await theState(desk.db, { path: c.req.valid('param'), lane: onLane, leg: legOf(leg) })
      const by = { by: c.get('user').name, reason: why, expected: expectedIn(c.req.valid('header')) }
      const now = await restoreState(desk, at, { ...by, version })
      return c.json(told(at, now), 200, { etag: etag(now.version) })
    })
    .openapi(increment, async (c) => {
      const { lane: onLane, key, by: step, reason: why } = c.req.valid('json')
      const at = await theState(desk.db, { path: c.req.valid('param'), lane: onLane, leg: undefined })
      const by = { by: c.get('user').name, reason: why ?? null, expected: null }
      const { version, value } = await incrementKey(desk, at, { ...by, key, step })
      return c.json({ ...told(at, version), value }, 200, { etag: etag(version.version) })
    })
    .openapi(params, async (c) => {
      const { resource, ...line } = c.req.valid('param')
      const { lane: onLane, reason: why, ...keys } = c.req.valid('json')
      const path = { ...line, of: 'resources' as const, name: resource }
      const at = await theState(desk.db, { path, lane: onLane, leg: undefined }).catch(noParams)
      if (at.of !== 'params') throw noParams(at)
      mustBeOpen(at)
      const by = { by: c.get('user').name, reason: why ?? null, expected: expectedIn(c.req.valid('header')) }
      const made = await transact(desk.db, (tx) =>
        editResource(tx, at, {
          ...by,
          room: desk,
          change: ({ fields }) => ({ fields: changedKeys(fields, keys) }),
        }),
      )
      if (!made) throw new Error('a change of keys follows whichever version is the newest')
      return c.json({ version: made.name, fields: { ...fieldsOfVersion(made) } }, 200, {
        etag: etag(Number(made.name)),
      })
    })

const contentOf = (file: { text: string } | { base64: string }) =>
  'text' in file ? Buffer.from(file.text) : Buffer.from(file.base64, 'base64')

/** @throws {Problem} `bad-put` of what has no values. */
function noParams(of: unknown): never {
  if (of instanceof Problem && of.code !== 'state-not-found') throw of
  if (of instanceof Error && !(of instanceof Problem)) throw of
  throw new Problem('bad-put', 'it has no values to set: name a `params` resource')
}
