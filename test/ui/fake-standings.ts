import { parsePipeline } from '#pipelines/language/parse.ts'
import type { LaneVersion, Pipeline, Trigger } from '../../ui/lib/api.ts'
import { hex, minutesAgo, pastRun } from './fake-stories.ts'
import { type FakeWorld, keyOf } from './fake-world.ts'

export const FILE = `jobs:
  smoke: { run: [./smoke] }
  production:
    needs: smoke
    inputs:
      ticket: { text: { min: 3 }, label: Change ticket }
      region: [eu, us]
      replicas: { number: { min: 1, max: 9 }, default: 3 }
      dry: { bool: {}, label: Dry run, default: false }
      note: { text: {}, required: false }
    run: [./deploy]
`

/** A line on which people decided things: a pause, a pin, a hold, a job passed through, a matrix in the making. */
export function decideMuch(world: FakeWorld, line: Pipeline): void {
  if (line.revision) line.revision.source = FILE
  addLegs(world, line)
  const scan = pastRun(world, line, 'scan', { state: 'skipped', minutes: 1, tookS: 0 })
  const skip = 'no path of `image/**` changed'
  Object.assign(scan, { skip, reason: skip, steps: [], started_at: null, runner: null, isolated: null })
  const built = [...world.runs.values()].filter((run) => run.job === 'build').at(-1)
  const staging = pastRun(world, line, 'staging', { state: 'succeeded', minutes: 2, tookS: 41 })
  Object.assign(staging, {
    ...{ environment: 'staging', outputs: { image: `sha256:${'9f2c41aa'.repeat(8)}` } },
    ...{ upstream: [{ job: 'build', run: built?.id ?? 1, inputs: ['src'] }], downstream: [scan.id] },
    given: { ticket: 'OPS-7', note: '' },
  })
  for (const run of world.runs.values())
    if (built && ['unit', 'integration', 'browser'].includes(run.job) && run.id > built.id)
      run.upstream = [{ job: 'build', run: built.id, inputs: ['src'] }]
  const load = pastRun(world, line, 'load', { state: 'failed', minutes: 1, tookS: 12 })
  Object.assign(load, { allow_failure: true, allowed: true })
  for (const job of line.jobs) if (job.last_run) job.waiting = null
  const held = line.jobs.find((job) => job.name === 'integration')
  const hold = 'waits for run 4 of the concurrency group `database`'
  if (held?.last_run) Object.assign(held.last_run, { held: hold })
  if (held) held.waiting = hold
  const production = line.jobs.find((job) => job.name === 'production')
  const written = parsePipeline(FILE).pipeline?.jobs.find((job) => job.name === 'production')
  if (production && written) production.inputs = written.inputs
  world.pauses.set(keyOf(line, 'production'), {
    ...{ by: 'Grace Hopper', reason: 'Freeze until Monday’s audit is through' },
    at: minutesAgo(95),
  })
  if (production)
    production.waiting =
      'paused by Grace Hopper: Freeze until Monday’s audit is through; waits for `smoke` and `load`'
  for (const resource of line.resources)
    world.versions.set(keyOf(line, resource.name), versionsOf(line, resource.name))
  const infra = line.resources.find((resource) => resource.name === 'infra')
  if (infra?.newest) infra.newest.forced = true
  world.triggers.set(keyOf(line, 'production'), triggersOf())
}

function addLegs(world: FakeWorld, line: Pipeline): void {
  const first = pastRun(world, line, 'types', { state: 'succeeded', minutes: 3, tookS: 24 })
  Object.assign(first, { batch: first.id, matrix: { node: '20', os: 'alpine' } })
  for (const [node, state] of [
    ['22', 'succeeded'],
    ['24', 'failed'],
    ['25', 'succeeded'],
  ] as const) {
    const leg = pastRun(world, line, 'types', { state, minutes: 3, tookS: 20 + Number(node) })
    Object.assign(leg, { batch: first.id, matrix: { node, os: 'alpine' } })
  }
}

const TITLES = ['Try the new base', 'Raise memory', 'Pin the base image', 'Drop the old queue'] as const

function versionsOf(line: Pipeline, name: string): LaneVersion[] {
  const newest = line.resources.find((resource) => resource.name === name)?.newest
  if (!newest) return []
  const plain = {
    left: false,
    disabled: null,
    pinned: null,
    used: true,
    attested: true,
    changed: 3,
    forced: false,
  }
  const older: LaneVersion[] = TITLES.map((title, at) => ({
    ...{ ...newest, ...plain, title, name: hex(40 + at), seq: 9 - at, created_at: minutesAgo(60 * (at + 1)) },
  }))
  const [left, , pinned, disabled] = older
  if (name === 'infra') {
    if (left) Object.assign(left, { left: true, used: false })
    if (pinned) pinned.pinned = { by: 'ada', reason: 'The newer ones run out of memory', at: minutesAgo(12) }
    if (disabled) disabled.disabled = { by: null, reason: 'Leaks a password', at: minutesAgo(300) }
  }
  return [{ ...newest, ...plain, seq: 10, forced: name === 'infra', changed: 1 }, ...older]
}

function triggersOf(): Trigger[] {
  const plain = { version: null, from_run: null, run: null, reason: null, settled_at: minutesAgo(1) }
  return [
    { ...plain, id: 9, kind: 'ending', edge: 'smoke', fate: 'new', from_run: 14, at: minutesAgo(0.1) },
    {
      ...{ ...plain, id: 8, kind: 'version', edge: 'src', version: hex(11), at: minutesAgo(3) },
      ...{ fate: 'gathered', reason: 'waits for `scan` on `879d110`' },
    },
    {
      ...{ ...plain, id: 7, kind: 'ending', edge: 'load', from_run: 12, at: minutesAgo(40) },
      ...{ fate: 'no-run', reason: 'paused by Grace Hopper: Freeze until Monday’s audit is through' },
    },
    { ...plain, id: 6, kind: 'changed', edge: 'resumed by ada', fate: 'run', run: 3, at: minutesAgo(200) },
  ]
}
