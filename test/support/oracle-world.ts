import type { DueRun, How, VersionFact } from '#pipelines/plan/facts.ts'
import { type Place, putsOf, type TinyEnding, type TinyTrigger, type TinyWorld } from './tiny-world.ts'

export type AgreedSet = {
  versions: Record<string, VersionFact>
  loose: Record<string, TinyEnding>
  joined: Record<string, TinyEnding>
  seqs: number[]
}
export type Taken = { seqs: Record<string, number>; runs: Record<string, number> } | null
export type OnJob = ReturnType<typeof jobOn>

export const isOn = (a: Place, b: Place) => a.job === b.job && a.lane === b.lane
export const idsOf = (versions: Readonly<Record<string, VersionFact>>) =>
  Object.values(versions).map(({ id }) => id)

/** The job with everything its edges lead to, in full. */
export function jobOn(world: TinyWorld, on: Place) {
  const edges = world.edges.jobs.get(on.job)!
  const inputs = edges.inputs.map((edge) => {
    const lane = edge.shared ? 'main' : on.lane
    const all = world.versions.filter((each) => each.resource === edge.resource && each.lane === lane)
    let newest: VersionFact | null = null
    for (const each of all) if (!each.isOut && (!newest || each.seq > newest.seq)) newest = each
    const byPerson = world.pins.get(`${edge.resource}@${lane}`)
    const pin = byPerson
      ? { id: byPerson.version?.id ?? null }
      : edge.pin !== null
        ? { id: all.find(({ name }) => name === edge.pin)?.id ?? null }
        : null
    if (pin && all.some(({ id, isOut }) => isOut && id === pin.id)) pin.id = null
    return { ...edge, all, newest, pin, by: edge.via.length > 0 ? edge.via : edge.from ? [edge.from] : [] }
  })
  const needs = edges.needs.map((need) => ({
    ...need,
    endings: world.endings.filter(
      (each) =>
        isOn(each, { job: need.job, lane: on.lane }) && lets(need.on, each.how) && !isSpoilt(world, each),
    ),
    newest: world.runs.findLast((run) => isOn(run, { job: need.job, lane: on.lane })) ?? null,
  }))
  const given = world.triggers.flatMap((trigger) =>
    trigger.kind === 'ending' && isOn(trigger.on, on)
      ? [{ trigger: trigger.id, run: trigger.ending.run }]
      : [],
  )
  return { on, job: edges.job, inputs, needs, edges, given }
}

export const lets = (on: readonly string[], how: How) => on.includes('finish') || on.includes(how)
export const isSpoilt = (world: TinyWorld, { versions }: TinyEnding) =>
  world.versions.some((each) => each.isOut && idsOf(versions).includes(each.id))

export function modeOf({ job, inputs, needs }: OnJob, trigger: TinyTrigger) {
  if (trigger.kind === 'version') return inputs.find((each) => each.resource === trigger.resource)!.get!.start
  if (trigger.kind === 'ending') return needs.find((each) => each.job === trigger.job)!.start
  return job.start === 'strict' ? 'strict' : 'settled'
}

export function takenBy(world: TinyWorld, on: Place): Taken {
  const run = world.runs.findLast((each) => isOn(each, on) && each.advances)
  if (!run) return null
  return {
    seqs: Object.fromEntries(Object.entries(run.inputs).map(([name, { seq }]) => [name, seq])),
    runs: { ...run.loose },
  }
}
export const takenAfter = (run: DueRun): Taken => ({
  seqs: Object.fromEntries(run.inputs.map(({ resource, version }) => [resource, version.seq])),
  runs: Object.fromEntries(run.upstreams.map((each) => [each.job, each.run])),
})

/** Pauses, pins and vetoes: nothing comes of these, in no mode. */
export function refused(world: TinyWorld, { on, inputs, needs }: OnJob, trigger: TinyTrigger): boolean {
  if (world.paused.has(on.job)) return true
  if (trigger.kind === 'changed') return false
  if (trigger.kind === 'version') {
    const { pin } = inputs.find((each) => each.resource === trigger.resource)!
    if (pin) return pin.id !== trigger.version.id
    return world.versions.find(({ id }) => id === trigger.version.id)!.isOut
  }
  const need = needs.find((each) => each.job === trigger.job)!
  if (!need.endings.some(({ id }) => id === trigger.ending.id)) return true
  return inputs.some((input) => {
    const held = trigger.ending.versions[input.resource]
    return input.pin && held && held.id !== input.pin.id && input.by.includes(need.job)
  })
}

/** The jobs from which edges that trigger lead here, all the way, less those that edges lead to from here. */
export function jobsBefore(world: TinyWorld, name: string): Set<string> {
  const leads = (from: string, to: string) => {
    const { job } = world.edges.jobs.get(to)!
    const puts = putsOf(world, from)
    return (
      job.needs.some((need) => need.trigger && need.job === from) ||
      job.gets.some((get) => get.trigger && puts.includes(get.resource))
    )
  }
  const all = [...world.edges.jobs.keys()]
  const spread = (next: (found: string, other: string) => boolean) => {
    const found = new Set<string>()
    for (let size = -1; size !== found.size;) {
      size = found.size
      for (const other of all) if ([name, ...found].some((each) => next(each, other))) found.add(other)
    }
    return found
  }
  const after = spread((found, other) => leads(found, other))
  const before = spread((found, other) => leads(other, found))
  return new Set([...before].filter((each) => each !== name && !after.has(each)))
}

export const isActive = (world: TinyWorld, lane: string, jobs: ReadonlySet<string>) =>
  world.runs.some(
    (run) => run.lane === lane && jobs.has(run.job) && (run.state === 'queued' || run.state === 'running'),
  ) ||
  world.triggers.some(
    ({ on, fate }) => on.lane === lane && jobs.has(on.job) && (fate === 'new' || fate === 'gathered'),
  )

export function endedBadly({ newest, on }: OnJob['needs'][number]): boolean {
  if (!newest || newest.state === 'queued' || newest.state === 'running') return false
  const how = newest.state === 'failed' ? 'failure' : newest.state === 'cancelled' ? 'other' : 'success'
  return !lets(on, how)
}
