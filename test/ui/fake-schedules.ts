import type { Schedule } from '../../ui/lib/schedules-api.ts'
import { ok, type Route } from './fake-reply.ts'
import type { FakeWorld } from './fake-world.ts'

type Firing = Schedule['last'][number]
const firing = (given: Partial<Firing>): Firing => ({
  ...{ id: 1, due_at: '2026-11-20T02:00:00.000Z', fired_at: '2026-11-20T02:00:00.120Z', lag_ms: 120 },
  ...{ fate: 'fired', reason: null, missed: 0, conflict: null, by: null, runs: [] },
  ...given,
})

const NIGHTLY: Schedule = {
  ...{ project: 'shop', pipeline: 'nightly', name: 'at-three', schedule: '0 3 * * 1-5' },
  ...{ timezone: 'Europe/Berlin', misfire: 'once', overlap: 'skip', jitter_ms: 0, jobs: ['fuzz'] },
  paused: null,
  next: [23, 24, 25, 26, 27].map((day) => ({
    at: `2026-11-${day}T02:00:00.000Z`,
    there: `2026-11-${day} 03:00`,
  })),
  last: [
    firing({ id: 9, by: 'ada', runs: [{ id: 3, number: 3, job: 'fuzz', state: 'running' }] }),
    firing({ id: 8, fate: 'skipped', reason: 'run 3 still ran (`overlap: skip`)', conflict: 3 }),
    firing({ id: 7, missed: 2, runs: [{ id: 2, number: 2, job: 'fuzz', state: 'failed' }] }),
  ],
  may: { fire: true, pause: true },
}

const paused = new WeakMap<FakeWorld, Schedule['paused']>()
const shown = (world: FakeWorld): Schedule => ({ ...NIGHTLY, paused: paused.get(world) ?? null })
const PATH = '^/projects/shop/pipelines/nightly/schedules/at-three'

/** What comes by the clock, and what people do about it. */
export const SCHEDULES: readonly Route[] = [
  ['GET', /^\/schedules$/, ({ world }) => ok({ items: [shown(world)], next: null })],
  [
    'POST',
    new RegExp(`${PATH}/pause$`),
    ({ world, body }) => {
      paused.set(world, { by: 'ada', reason: String(body['reason']), at: '2026-11-21T10:00:00.000Z' })
      return ok(shown(world))
    },
  ],
  [
    'POST',
    new RegExp(`${PATH}/resume$`),
    ({ world }) => {
      paused.delete(world)
      return ok(shown(world))
    },
  ],
]
