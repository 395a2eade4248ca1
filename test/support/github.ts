import { createHmac, randomUUID } from 'node:crypto'
import { type Answer, GITHUB_SECRET, type House } from './server.ts'
import { until } from './until.ts'

/** A body's signature, as GitHub makes it. */
export const signed = (body: string | Uint8Array, secret = GITHUB_SECRET): string =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`

export type Told = { event?: string; id?: string; signature?: string; type?: string }
/** A delivery as GitHub sends it, signed and numbered unless the test says otherwise. */
export const github = (house: House, body: string | Uint8Array, told: Told = {}): Promise<Answer> =>
  house.ask('POST /hooks/github', body, {
    as: null,
    headers: {
      'content-type': told.type ?? 'application/json',
      'x-github-event': told.event ?? 'push',
      'x-github-delivery': told.id ?? randomUUID(),
      'x-hub-signature-256': told.signature ?? signed(body),
    },
  })

export const pushOf = (url: string, after: string, ref = 'refs/heads/main', more: object = {}): string =>
  JSON.stringify({
    ref,
    before: '0'.repeat(40),
    after,
    deleted: /^0+$/.test(after),
    repository: { id: 42, full_name: 'acme/shop', clone_url: url, default_branch: 'main' },
    ...more,
  })

type Delivery = {
  readonly id: number
  readonly state: string
  readonly reason: string
  readonly project: string | null
}
export const deliveries = async (house: House): Promise<Delivery[]> =>
  (await house.ask('GET /api/v1/deliveries')).body.items

/** All deliveries, when there are so many and something was made of each. */
export const settled = (house: House, count: number): Promise<Delivery[]> =>
  until(async () => {
    const items = await deliveries(house)
    return items.length === count && items.every(({ state }) => state !== 'received') && items
  })
