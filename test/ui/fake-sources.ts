import type { Source, SourceEvent } from '../../ui/lib/sources-api.ts'
import { type Asked, no, ok, type Reply, type Route } from './fake-reply.ts'
import type { FakeWorld } from './fake-world.ts'

const AT = '2026-03-01T12:00:00.000Z'
const source = (name: string, given: Partial<Source>): Source => ({
  ...{ name, kind: 'redis', addresses: ['redis.acme.io:6379'], stream: 'orders', group: 'takt-shop' },
  ...{ tls: false, from: 'new', field: 'event', login: 'REDIS', state: 'read', error: null, read_since: AT },
  ...{ last_at: AT, waiting: 2, dead: 1 },
  ...given,
})
const SOURCES_OF_SHOP: readonly Source[] = [
  source('orders', {}),
  source('stock', {
    ...{ kind: 'kafka', addresses: ['kafka-1.acme.io:9092', 'kafka-2.acme.io:9092'], stream: 'stock' },
    ...{ tls: true, field: null, state: 'broken', read_since: null, last_at: null, waiting: 0, dead: 0 },
    error: 'the secret `KAFKA` is not set for every run',
  }),
]
const event = (id: number, given: Partial<SourceEvent>): SourceEvent => ({
  ...{ id, event: `17600000${id}-0`, state: 'taken', reason: 'a version of `main/order`', attempts: 1 },
  ...{ payload: '{"event":"{\\"number\\":7}"}', received_at: AT, settled_at: AT },
  ...given,
})

const worlds = new WeakMap<FakeWorld, SourceEvent[]>()
export function sourceEventsIn(world: FakeWorld): SourceEvent[] {
  const known = worlds.get(world) ?? [
    event(4, { state: 'received', reason: null, settled_at: null }),
    event(3, {
      state: 'dead',
      reason: 'the field `event` holds no JSON object',
      payload: '{"event":"seven"}',
    }),
    event(2, { state: 'ignored', reason: 'no `event` resource asks for this of the source `orders`' }),
    event(1, {}),
  ]
  worlds.set(world, known)
  return known
}

function events({ world, url }: Asked, project = '', name = ''): Reply {
  const state = url.searchParams.get('state')
  const all = project === 'shop' && name === 'orders' ? sourceEventsIn(world) : []
  return ok({ items: all.filter((each) => state === null || each.state === state), next: null })
}

function replay({ world }: Asked, _project = '', _name = '', id = ''): Reply {
  const all = sourceEventsIn(world)
  const found = all.find((each) => each.id === Number(id))
  if (!found) return no(404, 'event-not-found', 'There is no such event')
  all.splice(all.indexOf(found), 1, { ...found, state: 'received', reason: null, settled_at: null })
  return { status: 202, body: { id: found.id } }
}

export const SOURCES: readonly Route[] = [
  [
    'GET',
    /^\/projects\/([^/]+)\/sources$/,
    (_, project) => ok({ items: project === 'shop' ? SOURCES_OF_SHOP : [] }),
  ],
  ['GET', /^\/projects\/([^/]+)\/sources\/([^/]+)\/events$/, events],
  ['POST', /^\/projects\/([^/]+)\/sources\/([^/]+)\/events\/(\d+)\/replay$/, replay],
]
