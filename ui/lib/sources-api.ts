import type { InferResponseType } from 'hono/client'
import { answer, type Answer, body, part, v1 } from './api.ts'

const all = v1.projects[':project'].sources
const one = all[':source']

export type Source = InferResponseType<typeof all.$get, 200>['items'][number]
export type SourceEvent = InferResponseType<typeof one.events.$get, 200>['items'][number]
/** A source and the newest of what it handed out. */
export type SourceWithEvents = Source & { readonly events: readonly SourceEvent[] }

const NEWEST = 20

async function take(
  project: string,
  state: SourceEvent['state'] | undefined,
  signal: AbortSignal,
): Promise<Answer<readonly SourceWithEvents[]>> {
  const init = { init: { signal } }
  const param = { project: part(project) }
  const list = await answer(all.$get({ param }, init))
  const query = { limit: String(NEWEST), ...(state === undefined ? {} : { state }) }
  const found = await Promise.all(
    list.body.items.map(async (source) => {
      const { items } = await body(
        one.events.$get({ param: { ...param, source: part(source.name) }, query }, init),
      )
      return { ...source, events: items }
    }),
  )
  return { cursor: list.cursor, body: found }
}

/** The streams that a project reads events from. */
export const sources = {
  take,
  replay: (project: string, source: string, id: number) =>
    body(
      one.events[':id'].replay.$post({
        param: { project: part(project), source: part(source), id: String(id) },
      }),
    ),
}
