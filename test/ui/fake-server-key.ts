import type { SealingKey } from '../../ui/lib/server-key-api.ts'
import { ok, type Route } from './fake-reply.ts'
import type { FakeWorld } from './fake-world.ts'

const STEP = 6
const worlds = new WeakMap<FakeWorld, SealingKey>()
export function sealingKeyIn(world: FakeWorld): SealingKey {
  const known = worlds.get(world) ?? {
    ...{ mark: '5f0c2a91d4e87b36', since: '2026-01-10T08:00:00.000Z', from: 'file' as const },
    ...{ sealed: 12, waiting: 0, unknown: 0 },
  }
  worlds.set(world, known)
  return known
}

export const SERVER_KEY: readonly Route[] = [
  [
    'GET',
    /^\/server\/key$/,
    ({ world }) => {
      const key = sealingKeyIn(world)
      // Some of it is wrapped by the next look.
      worlds.set(world, { ...key, waiting: Math.max(0, key.waiting - STEP) })
      return ok(key)
    },
  ],
  [
    'POST',
    /^\/server\/key\/rotate$/,
    ({ world }) => {
      const key = sealingKeyIn(world)
      const next = { ...key, mark: 'a17be40c93d25f68', since: new Date().toISOString(), waiting: key.sealed }
      worlds.set(world, next)
      return { status: 202, body: next }
    },
  ],
]
