import fc from 'fast-check'
import { change, consumes, end, MAIN, plain, push, retry, type TinyWorld } from './tiny-world.ts'

/** Something that happens in a tiny world; `pick` and `which` choose among what there is. */
export type RandomEvent = {
  readonly kind: 'push' | 'late' | 'end' | 'retry' | 'pin' | 'disable' | 'pause'
  readonly pick: number
  readonly which: number
  readonly how: 'succeeded' | 'failed' | 'cancelled'
  readonly lane: string
  /** Nobody looks for a while. */
  readonly isLate: boolean
}

export const randomEvents = fc.array(
  fc.record<RandomEvent>({
    kind: fc.oneof(
      { weight: 6, arbitrary: fc.constant('push' as const) },
      { weight: 2, arbitrary: fc.constant('late' as const) },
      { weight: 24, arbitrary: fc.constant('end' as const) },
      { weight: 3, arbitrary: fc.constant('retry' as const) },
      { weight: 1, arbitrary: fc.constantFrom('pin' as const, 'disable' as const, 'pause' as const) },
    ),
    pick: fc.nat(1_000),
    which: fc.nat(1_000),
    how: fc.oneof(
      { weight: 12, arbitrary: fc.constant('succeeded' as const) },
      { weight: 2, arbitrary: fc.constant('failed' as const) },
      { weight: 1, arbitrary: fc.constant('cancelled' as const) },
    ),
    lane: fc.oneof(
      { weight: 4, arbitrary: fc.constant('main') },
      { weight: 1, arbitrary: fc.constant('pr/1') },
    ),
    isLate: fc.nat(9).map((n) => n < 2),
  }),
  { minLength: 8, maxLength: 30 },
)

const among = <Each>(all: readonly Each[], pick: number): Each | undefined => all[pick % all.length]
const CHANGED = [null, ['docs/a'], ['docs/b', 'a.ts'], ['a.ts']]

/** Let it happen, where there is something it can happen to. */
export function happen(world: TinyWorld, event: RandomEvent): void {
  switch (event.kind) {
    case 'push':
    case 'late':
      return pushSome(world, event)
    case 'end': {
      const run = among(
        world.runs.filter(({ state }) => state === 'queued'),
        event.pick,
      )
      return run && end(world, run, event.how)
    }
    case 'retry': {
      const run = among(
        world.runs.filter(({ state }) => state !== 'queued' && state !== 'skipped'),
        event.pick,
      )
      return run && void retry(world, run)
    }
    case 'pin':
      return pinSome(world, event)
    case 'disable': {
      const version = among(world.versions, event.pick)
      if (!version) return
      version.isOut = !version.isOut
      return change(world, version.lane, 'Ann changed her mind', consumes(version.resource))
    }
    case 'pause': {
      const job = among([...world.edges.jobs.keys()], event.pick)!
      if (!world.paused.delete(job)) return void world.paused.set(job, 'paused by Ann: audit')
      return change(world, event.lane, 'Ann let it go on', (edges) => edges.job.name === job)
    }
  }
}

function pushSome(world: TinyWorld, { kind, pick, which, lane }: RandomEvent): void {
  const edges = [...world.edges.jobs.values()].flatMap(({ inputs }) => inputs)
  const outside = edges.filter(({ kind: what }) => what === 'git' || what === 'time')
  const input = among(outside, pick)
  if (!input) return
  const at = input.shared ? MAIN.name : lane
  const seqs = world.versions
    .filter((each) => each.resource === input.resource && each.lane === at)
    .map(({ seq }) => seq)
  const free = (among(seqs.toSorted((a, b) => b - a).slice(0, 3), which) ?? 10) - 1 - (which % 7)
  const given = {
    fields: { branch: which % 3 === 0 ? 'other' : 'main' },
    changed: CHANGED[which % 4]!,
  }
  push(world, input.resource, at, kind === 'late' && !seqs.includes(free) ? { ...given, seq: free } : given)
}

/** A pin is set, or taken away again. */
function pinSome(world: TinyWorld, { pick }: RandomEvent): void {
  const version = among(world.versions, pick)
  if (!version) return
  const key = `${version.resource}@${version.lane}`
  if (!world.pins.delete(key))
    world.pins.set(key, {
      version: plain(version),
      words: `${version.resource} is pinned to ${version.name} by Ann`,
    })
  change(world, version.lane, 'Ann changed a pin', consumes(version.resource))
}
