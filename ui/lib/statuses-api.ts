import type { InferResponseType } from 'hono/client'
import { answer, body, v1 } from './api.ts'

export type Statuses = InferResponseType<typeof v1.statuses.$get, 200>
export type Status = Statuses['items'][number]
export type ForgeDoor = Statuses['forges'][number]
export type StatusState = Status['state']
export type StatusesWanted = {
  readonly project: string
  readonly state: StatusState | undefined
  readonly limit: number
}

/** What the forge of a project is told of its commits. */
export const statuses = {
  take: ({ project, state, limit }: StatusesWanted, signal: AbortSignal) => {
    const query = { project, limit: String(limit), ...(state === undefined ? {} : { state }) }
    return answer(v1.statuses.$get({ query }, { init: { signal } }))
  },
  retry: (id: number) => body(v1.statuses[':id'].retry.$post({ param: { id: String(id) } })),
}
