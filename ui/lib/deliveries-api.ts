import type { InferResponseType } from 'hono/client'
import { answer, body, v1 } from './api.ts'
import type { DeliveriesWanted } from './places.ts'

const one = v1.deliveries[':id']
export type Deliveries = InferResponseType<typeof v1.deliveries.$get, 200>
export type Delivery = Deliveries['items'][number]
export type DeliveryDetail = InferResponseType<typeof one.$get, 200>

const at = (id: number) => ({ param: { id: String(id) } })

/** The deliveries that are wanted, newest first. */
export const deliveriesOf = (wanted: DeliveriesWanted, limit: number, signal: AbortSignal) => {
  const said = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== ''))
  return answer(v1.deliveries.$get({ query: { ...said, limit: String(limit) } }, { init: { signal } }))
}
export const delivery = (id: number, signal: AbortSignal) => answer(one.$get(at(id), { init: { signal } }))
export const replay = (id: number) => body(one.replay.$post(at(id)))

/** The whole payload as a file, straight from the server. */
export const payloadFile = (id: number): string => `/api/v1/deliveries/${id}/payload`

const compared = v1.projects[':project']['catch-up']
export type Comparison = InferResponseType<typeof compared.$get, 200>

/** How the last look at a repository's refs ended. */
export const comparison = (project: string) => body(compared.$get({ param: { project } }))
export const catchUp = (project: string) => body(compared.$post({ param: { project } }))
