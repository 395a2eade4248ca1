import type { Comparison, DeliveryDetail } from '../../ui/lib/deliveries-api.ts'
import { ok, type Route } from './fake-reply.ts'
import type { FakeWorld } from './fake-world.ts'

/** One delivery as its page shows it. */
function deliveryOf(world: FakeWorld, id: number): DeliveryDetail {
  const told = world.deliveries.find((each) => each.id === id)!
  const place = { project: 'shop', pipeline: 'main', lane: 'main' }
  const payload = JSON.stringify({ ref: 'refs/heads/main', about: told.event, repository: { id: 42 } })
  return {
    ...told,
    ...{ delivery_id: '72d3162e-cc78-11e3-81ab-4c9367dc0958', signed: true, attempts: 1 },
    headers: { 'user-agent': 'GitHub-Hookshot/044aadd', 'x-github-event': told.event },
    ...{ bytes: payload.length, payload, cut: false },
    versions: [{ ...place, resource: 'src', version: 'a1b2c3d4e5f60718293a4b5c6d7e8f9012345678' }],
    runs: [{ ...place, id: 1, job: 'lint', state: 'succeeded' }],
  }
}

const comparisonOf = (project: string, due: boolean): Comparison => ({
  ...{ project, due, told: 2, error: null },
  compared_at: new Date(Date.now() - 5 * 60_000).toISOString(),
})

export const DELIVERIES: readonly Route[] = [
  ['GET', /^\/deliveries$/, ({ world }) => ok(world.deliveryList())],
  ['GET', /^\/deliveries\/(\d+)$/, ({ world }, id) => ok(deliveryOf(world, Number(id)))],
  ['POST', /^\/deliveries\/(\d+)\/replay$/, (_, id) => ({ status: 202, body: { delivery: Number(id) } })],
  ['GET', /^\/projects\/(\w+)\/catch-up$/, (_, project = '') => ok(comparisonOf(project, false))],
  [
    'POST',
    /^\/projects\/(\w+)\/catch-up$/,
    (_, project = '') => ({ status: 202, body: comparisonOf(project, true) }),
  ],
]
