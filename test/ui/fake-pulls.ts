import type { PullHead } from '../../ui/lib/api.ts'
import { no, ok, type Route } from './fake-reply.ts'
import type { FakeWorld } from './fake-world.ts'

const asked = new WeakMap<FakeWorld, PullHead[]>()
const headsOf = (world: FakeWorld) => asked.get(world) ?? []

/** A fork’s commit that somebody is asked about. */
export function askAbout(world: FakeWorld, given: Partial<PullHead> = {}): PullHead {
  const head: PullHead = {
    ...{ id: headsOf(world).length + 1, project: 'shop', number: 12, lane: 'pr/12', state: 'waiting' },
    ...{ title: 'Mend <b>the</b> door', author: 'mallory', base: 'main', head: 'abcdef1'.padEnd(40, '0') },
    ...{ url: 'https://github.com/acme/shop/pull/12', decided_by: null, comment: null, refusal: null },
    ...{ asked_at: new Date().toISOString(), closed_at: null, ...given },
  }
  asked.set(world, [...headsOf(world), head])
  world.announce({ kind: 'pull.moved', project: head.project, number: head.number, state: 'waiting' })
  return head
}

/** Pull requests that wait for somebody’s word, and saying it. */
export const PULLS: readonly Route[] = [
  [
    'GET',
    /^\/pulls$/,
    ({ world }) => ok({ items: headsOf(world).filter(({ state }) => state === 'waiting'), next: null }),
  ],
  [
    'POST',
    /^\/projects\/([^/]+)\/pulls\/(\d+)\/(approve|reject)$/,
    ({ world, body }, _, number, verdict) => {
      const head = headsOf(world).find((each) => each.number === Number(number))
      if (!head) return no(404, 'pull-not-found', 'There is no such pull request')
      if (head.head !== body['head']) return no(409, 'head-moved', 'The pull request has another head by now')
      head.state = verdict === 'approve' ? 'approved' : 'rejected'
      return ok(head)
    },
  ],
]
