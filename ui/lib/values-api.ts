import type { InferResponseType } from 'hono/client'
import { done } from './account-api.ts'
import { answer, body, part, v1 } from './api.ts'

const all = v1.projects[':project'].values
const one = all[':key']

export type ValueList = InferResponseType<typeof all.$get, 200>
export type ListedValue = ValueList['items'][number]
export type PastValue = InferResponseType<typeof one.history.$get, 200>['items'][number]

/** What somebody thinks that they change: a version; null where there should be none yet. */
type Known = { readonly key: string; readonly version: number | null }
/** Nobody overwrites what they have not seen. */
const conditions = ({ version }: Known) =>
  version === null ? { 'if-none-match': '*' as const } : { 'if-match': `"${version}"` }

/** Values of a project by key. */
export const values = {
  list: (project: string, query: { prefix?: string; after?: string }, signal: AbortSignal) =>
    answer(all.$get({ param: { project: part(project) }, query }, { init: { signal } })),
  whole: async (project: string, key: string): Promise<string> =>
    (await body(one.$get({ param: { project: part(project), key: part(key) } }))).value,
  history: async (project: string, key: string): Promise<readonly PastValue[]> =>
    (await body(one.history.$get({ param: { project: part(project), key: part(key) }, query: {} }))).items,
  set: (project: string, known: Known, value: string) =>
    body(
      one.$put({
        param: { project: part(project), key: part(known.key) },
        header: conditions(known),
        json: { value },
      }),
    ),
  /** Counts it, whoever else does so at the same time. */
  count: (project: string, key: string, by: number) =>
    body(one.increment.$post({ param: { project: part(project), key: part(key) }, json: { by } })),
  remove: async (project: string, known: Known): Promise<void> => {
    const param = { project: part(project), key: part(known.key) }
    await body(done(one.$delete({ param, header: conditions(known) })))
  },
}
