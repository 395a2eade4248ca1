import type { InferResponseType } from 'hono/client'
import { answer, body, part, v1 } from './api.ts'

const one = v1.projects[':project'].pipelines[':pipeline'].schedules[':schedule']

export type Schedules = InferResponseType<typeof v1.schedules.$get, 200>
export type Schedule = Schedules['items'][number]
export type Firing = Schedule['last'][number]

const at = ({ project, pipeline, name }: Schedule) => ({
  param: { project: part(project), pipeline: part(pipeline), schedule: part(name) },
})

/** What people do about what comes by the clock. */
export const schedules = {
  list: (limit: number, signal: AbortSignal) =>
    answer(v1.schedules.$get({ query: { limit: String(limit) } }, { init: { signal } })),
  pause: (schedule: Schedule, reason: string) => body(one.pause.$post({ ...at(schedule), json: { reason } })),
  resume: (schedule: Schedule) => body(one.resume.$post(at(schedule))),
  fire: (schedule: Schedule) => body(one.fire.$post(at(schedule))),
}
