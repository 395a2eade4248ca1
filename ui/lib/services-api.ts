import type { InferResponseType } from 'hono/client'
import { done } from './account-api.ts'
import { answer, body, part, v1 } from './api.ts'

const all = v1.projects[':project'].services
const one = all[':service']

export type Service = InferResponseType<typeof all.$get, 200>['items'][number]
/** What is said of a service: where it is, and what is sent with every call. */
export type ServiceSaid = { readonly url: string; readonly headers: Record<string, string> }

/** What `call` steps of a project may call. */
export const services = {
  list: (project: string, signal: AbortSignal) =>
    answer(all.$get({ param: { project: part(project) } }, { init: { signal } })),
  set: (project: string, name: string, json: ServiceSaid) =>
    body(one.$put({ param: { project: part(project), service: part(name) }, json })),
  remove: async (project: string, name: string): Promise<void> =>
    void (await body(done(one.$delete({ param: { project: part(project), service: part(name) } })))),
}
