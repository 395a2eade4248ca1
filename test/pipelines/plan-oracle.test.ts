import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { decide } from '#pipelines/plan/decide.ts'
import type { Pipeline } from '#pipelines/language/pipeline.ts'
import { allSets, newestOf, standing } from '../support/oracle-sets.ts'
import { type AgreedSet, jobOn, type OnJob, takenBy } from '../support/oracle-world.ts'
import { mismatch } from '../support/plan-oracle.ts'
import { happen, type RandomEvent, randomEvents } from '../support/random-events.ts'
import { plainly, randomLines } from '../support/random-line.ts'
import { factsOf } from '../support/tiny-facts.ts'
import { record, toLookAt } from '../support/tiny-look.ts'
import { end, isOpen, MAIN, type Place, type TinyWorld, tinyWorldOf } from '../support/tiny-world.ts'

const LANES = [MAIN, { name: 'pr/1', kind: 'pull_request' }] as const
const RUNS = Number(process.env['TAKT_ORACLE_RUNS'] ?? 3_000)
// Seconds on a machine of its own; it is not the clock that is tested.
vi.setConfig({ testTimeout: 300_000 })
const seen = { events: 0, looks: 0, runs: 0 }

/** Look at one job, and let the oracle judge what is decided. */
function judged(world: TinyWorld, on: Place): boolean {
  const facts = factsOf(world, on)
  const decision = decide(facts)
  seen.looks++
  seen.runs += decision.runs.length
  const wrong = mismatch(world, on, decision)
  if (wrong) throw new Error(`${on.job} on ${on.lane}: ${wrong}\n${JSON.stringify({ facts, decision })}`)
  return record(world, on, decision)
}

/** Look until nothing moves any more: what is gathered is looked at again whenever something did. */
function settle(world: TinyWorld): void {
  for (let moved = true; moved;) {
    moved = false
    for (const on of toLookAt(world)) moved = judged(world, on) || moved
  }
}

/** All runs pass, and what comes of them; two jobs that put what the other gets never come to rest. */
function comesToRest(world: TinyWorld): boolean {
  for (let rounds = 0; rounds < 7; rounds++) {
    settle(world)
    const queued = world.runs.filter(({ state }) => state === 'queued')
    if (queued.length === 0) return true
    for (const run of queued) end(world, run, 'succeeded')
  }
  return false
}

const isLater = (event: RandomEvent) => event.isLate || event.pick % 2 === 0

function play(pipeline: Pipeline, events: readonly RandomEvent[], isLate: (event: RandomEvent) => boolean) {
  const world = tinyWorldOf(pipeline, LANES)
  for (const event of events) {
    seen.events++
    happen(world, event)
    if (!isLate(event)) settle(world)
    else for (const on of toLookAt(world).slice(0, event.pick % 3)) judged(world, on)
    for (const job of pipeline.jobs) inOneEntry(world, job.name)
  }
  return world
}

/** Of a strict job's triggers all are in the waiting entry, or else none is. */
function inOneEntry(world: TinyWorld, job: string): void {
  for (const { name } of LANES) {
    const gathered = world.triggers.filter(
      ({ on, fate }) => on.job === job && on.lane === name && fate === 'gathered',
    )
    expect(new Set(gathered.map(({ reason }) => reason)).size).toBeLessThanOrEqual(1)
  }
}

test('whatever happens, exactly the runs exist that brute force finds', () => {
  fc.assert(
    fc.property(randomLines, randomEvents, (pipeline, events) => {
      settle(play(pipeline, events, ({ isLate }) => isLate))
    }),
    { numRuns: RUNS },
  )
  if (process.env['TAKT_ORACLE_RUNS']) console.log(seen)
  expect(seen.looks).toBeGreaterThan(RUNS * 3)
  expect(seen.runs).toBeGreaterThan(RUNS)
})

test('however late anybody looks, every trigger is settled in the end', () => {
  fc.assert(
    fc.property(randomLines, randomEvents, (pipeline, events) => {
      const world = play(pipeline, events, isLater)
      if (!comesToRest(world)) return
      expect(world.triggers.filter(isOpen)).toEqual([])
      const untold = world.triggers.filter(({ fate, reason }) => fate === 'no-run' && !reason)
      expect(untold).toEqual([])
    }),
    { numRuns: RUNS / 5 },
  )
})

test('however late anybody looks, a lane never goes backwards, and the newest agreed set is taken in the end', () => {
  const calm = randomEvents.map((events) =>
    events.filter(({ kind }) => kind === 'push' || kind === 'late' || kind === 'end' || kind === 'retry'),
  )
  fc.assert(
    fc.property(randomLines.map(plainly), calm, (pipeline, events) => {
      const world = play(pipeline, events, isLater)
      const isAtRest = comesToRest(world)
      for (const { name: job } of pipeline.jobs)
        for (const { name: lane } of LANES) {
          const taken = world.runs.filter((run) => run.job === job && run.lane === lane && run.advances)
          const ranks = taken.map(({ inputs }) =>
            pipeline.resources.map(({ name }) => String(inputs[name]?.seq ?? 0).padStart(6, '0')).join(),
          )
          expect(ranks).toEqual(ranks.toSorted())
          // What comes from outside starts jobs on the default branch's lane only.
          if (isAtRest && lane === MAIN.name) expect(isLeftBehind(world, { job, lane })).toBe(false)
        }
    }),
    { numRuns: RUNS / 5 },
  )
})

/**
 * Whether what comes by a need was handed on by the ending that satisfies it. One that failed before it put anything hands nothing
 * on: a later version of that resource is read beside it, and starts nothing.
 */
const isCarried = ({ inputs }: OnJob, { joined }: AgreedSet): boolean =>
  inputs.every(
    ({ via, resource }) =>
      via.length === 0 || via.some((name) => joined[name]?.versions[resource] !== undefined),
  )

/** Whether an agreed set is there that a trigger could have brought, newer than the newest that was taken. */
function isLeftBehind(world: TinyWorld, on: Place): boolean {
  const job = jobOn(world, on)
  const taken = takenBy(world, on)
  const [newest] = newestOf(allSets(job, taken, null).filter((set) => isCarried(job, set)))
  const isBrought = world.triggers.some(({ on: place }) => place.job === on.job && place.lane === on.lane)
  return Boolean(
    newest && isBrought && standing(job, newest, { taken, trigger: null, used: new Set() }).isNewer,
  )
}
