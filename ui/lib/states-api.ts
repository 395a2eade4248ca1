import type { InferResponseType } from 'hono/client'
import { answer, body, type LineAt, part, v1 } from './api.ts'
import type { Remembering } from './state-places.ts'

const all = v1.projects[':project'].pipelines[':pipeline'].states
const one = all[':of'][':name']

export type StateList = InferResponseType<typeof all.$get, 200>
export type ListedState = StateList['items'][number]
export type State = InferResponseType<typeof one.$get, 200>
export type StateVersion = InferResponseType<typeof one.history.$get, 200>['items'][number]
export type StateContent = InferResponseType<typeof one.content.$get, 200>
export type StateDiff = InferResponseType<typeof one.diff.$get, 200>

export type StateAt = LineAt & { readonly what: Remembering }
/** A file by its path, or a key of a resource. */
export type StatePart = { readonly path: string } | { readonly key: string }
export type StateChange = {
  readonly set?: Readonly<Record<string, string>>
  readonly unset?: readonly string[]
  readonly write?: readonly { readonly path: string; readonly text: string }[]
  readonly remove?: readonly string[]
}

const lineOf = (at: LineAt) => ({ project: part(at.project), pipeline: part(at.pipeline) })
const laneOf = (at: LineAt) => (at.lane === null ? {} : { lane: at.lane })
const paramOf = (at: StateAt) => ({ ...lineOf(at), of: at.what.of, name: part(at.what.name) })
const queryOf = (at: StateAt) => ({ ...laneOf(at), ...(at.what.leg === null ? {} : { leg: at.what.leg }) })
const placeOf = (at: StateAt) => ({
  ...laneOf(at),
  ...(at.what.leg === null ? {} : { leg: Object(JSON.parse(at.what.leg)) as Record<string, string> }),
})
/** Nobody overwrites what they have not seen. */
const conditions = (version: number) =>
  version === 0 ? { 'if-none-match': '*' as const } : { 'if-match': `"${version}"` }

/** What the jobs and resources of a line remember. */
export const states = {
  list: (at: LineAt, signal: AbortSignal) =>
    answer(all.$get({ param: lineOf(at), query: laneOf(at) }, { init: { signal } })),
  show: (at: StateAt, { after, limit }: { after: string; limit: number }, signal: AbortSignal) =>
    answer(
      one.$get(
        { param: paramOf(at), query: { ...queryOf(at), after, limit: String(limit) } },
        { init: { signal } },
      ),
    ),
  history: (at: StateAt) => body(one.history.$get({ param: paramOf(at), query: queryOf(at) })),
  content: (at: StateAt, of: StatePart, version?: number) =>
    body(
      one.content.$get({
        param: paramOf(at),
        query: { ...queryOf(at), ...of, ...(version === undefined ? {} : { version: String(version) }) },
      }),
    ),
  diff: (at: StateAt, from: number, to: number) =>
    body(
      one.diff.$get({
        param: paramOf(at),
        query: { ...queryOf(at), from: String(from), to: String(to) },
      }),
    ),
  /** Only where the version is still the one that was seen. */
  change: (at: StateAt, version: number, { reason, ...change }: StateChange & { reason: string }) =>
    body(
      one.$patch({
        param: paramOf(at),
        header: conditions(version),
        json: { ...placeOf(at), reason, ...mutable(change) },
      }),
    ),
  restore: (at: StateAt, version: number, { to, reason }: { to: number; reason: string }) =>
    body(
      one.restore.$post({
        param: paramOf(at),
        header: conditions(version),
        json: { ...placeOf(at), version: to, reason },
      }),
    ),
}

const mutable = ({ set, unset, write, remove }: StateChange) => ({
  ...(set ? { set: { ...set } } : {}),
  ...(unset ? { unset: [...unset] } : {}),
  ...(write ? { write: [...write] } : {}),
  ...(remove ? { remove: [...remove] } : {}),
})

/** Who made a version, as it stands in a sentence. */
export function makerOf({ by, run, version }: Pick<StateVersion, 'by' | 'run' | 'version'>): string {
  if (by !== null) return by
  if (run) return `${run.job} #${run.number}`
  return version === 0 ? 'nobody yet' : 'the file'
}
