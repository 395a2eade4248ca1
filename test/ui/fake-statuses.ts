import type { ForgeDoor, Status } from '../../ui/lib/statuses-api.ts'
import { type Asked, no, ok, type Reply, type Route } from './fake-reply.ts'
import type { FakeWorld } from './fake-world.ts'

const AT = '2026-03-01T12:00:00.000Z'
const AWAY = 'GitHub answered 502: Unicorn!'
const FORGES: readonly ForgeDoor[] = [
  { name: 'github', host: 'github.com', project: null, reason: AWAY, opens_at: AT },
  { name: 'github', host: 'github.com', project: 'shop', reason: null, opens_at: null },
]
const status = (id: number, given: Partial<Status>): Status => ({
  ...{ id, project: 'shop', pipeline: 'main', job: null, sha: 'a1b2c3d4e5f60718293a4b5c6d7e8f9012345678' },
  ...{ forge: 'github', repository: 'acme/shop', name: 'takt/shop/main', verdict: 'succeeded' },
  ...{ words: 'passed', path: '/p/shop/main', state: 'sent', sent_verdict: 'succeeded', attempts: 0 },
  ...{ error: null, changed_at: AT, sent_at: AT },
  ...given,
})

const worlds = new WeakMap<FakeWorld, Status[]>()
export function statusesIn(world: FakeWorld): Status[] {
  const known = worlds.get(world) ?? [
    status(3, { state: 'waiting', verdict: 'running', words: '2 of 5 jobs', error: AWAY, sent_at: null }),
    status(2, {
      ...{ job: 'test', name: 'takt/shop/main/test', verdict: 'failed', words: '#7 failed', path: '/runs/7' },
      ...{ state: 'failed', attempts: 6, sent_at: null, sent_verdict: null },
      error:
        'GitHub answered 404: Not Found; it knows no such repository or commit, or our token does not see it',
    }),
    status(1, {}),
  ]
  worlds.set(world, known)
  return known
}

function list({ world, url }: Asked): Reply {
  const state = url.searchParams.get('state')
  const all = url.searchParams.get('project') === 'shop' ? statusesIn(world) : []
  return ok({
    items: all.filter((each) => state === null || each.state === state),
    next: null,
    forges: FORGES,
  })
}

function retry({ world }: Asked, id = ''): Reply {
  const all = statusesIn(world)
  const found = all.find((each) => each.id === Number(id))
  if (!found) return no(404, 'status-not-found', 'There is no such status')
  const sent: Status = { ...found, state: 'sent', error: null, attempts: 0, sent_at: AT }
  all.splice(all.indexOf(found), 1, sent)
  return { status: 202, body: sent }
}

export const STATUSES: readonly Route[] = [
  ['GET', /^\/statuses$/, list],
  ['POST', /^\/statuses\/(\d+)\/retry$/, retry],
]
