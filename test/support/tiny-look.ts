import { decide } from '#pipelines/plan/decide.ts'
import type { Decision, DueRun } from '#pipelines/plan/facts.ts'
import type { RunId, TriggerId } from '#pipelines/ids.ts'
import { factsOf } from './tiny-facts.ts'
import {
  end,
  isOpen,
  nextId,
  type Place,
  type TinyRun,
  type TinyTrigger,
  type TinyWorld,
} from './tiny-world.ts'

/** Look at a job on a lane as the scheduler does: collect, decide, record. */
export const look = (world: TinyWorld, on: Place): boolean => record(world, on, decide(factsOf(world, on)))

export function create(world: TinyWorld, on: Place, due: DueRun): TinyRun {
  const run: TinyRun = {
    id: nextId(world) as RunId,
    ...on,
    inputs: Object.fromEntries(due.inputs.map(({ resource, version }) => [resource, version])),
    loose: Object.fromEntries(due.upstreams.map(({ job, run: id }) => [job, id])),
    start: due.start,
    reason: due.skip ?? due.reason,
    advances: due.advances,
    state: 'queued',
  }
  world.runs.push(run)
  return run
}

/** @returns Whether anything moved. */
export function record(world: TinyWorld, on: Place, { runs, fates }: Decision): boolean {
  const before = world.triggers.map(({ fate }) => fate).join()
  const settle = (id: TriggerId, settled: Partial<TinyTrigger>) =>
    Object.assign(
      world.triggers.find((trigger) => trigger.id === id)!,
      settled,
    )
  for (const due of runs) {
    const run = create(world, on, due)
    for (const id of due.triggers) settle(id, { fate: 'run', run: run.id, reason: null })
    if (due.skip !== null) end(world, run, 'skipped')
  }
  for (const { trigger, fate, reason } of fates) settle(trigger, { fate, reason })
  return before !== world.triggers.map(({ fate }) => fate).join()
}

/** The jobs that the scheduler has marks of, and those that gather. */
export const toLookAt = (world: TinyWorld): Place[] => {
  const places = new Map<string, Place>()
  for (const { on } of world.triggers.filter(isOpen)) places.set(`${on.job}@${on.lane}`, on)
  return [...places.values()]
}

/** Look until nothing moves any more. */
export function lookAround(world: TinyWorld): void {
  for (let moved = true; moved;) {
    moved = false
    for (const on of toLookAt(world)) moved = look(world, on) || moved
  }
}
