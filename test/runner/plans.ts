import type { RunId } from '#pipelines/ids.ts'
import type { Plan } from '#pipelines/wire/plan.ts'

let lastRun = 1_000 + (process.pid % 1_000) * 1_000

/** A plan of one step, with a run number of its own; `changes` says what is different about it. */
export function planOf(commands: string[], changes: Partial<Plan> = {}): Plan {
  return {
    run: ++lastRun as RunId,
    project: 'shop',
    pipeline: 'main',
    job: 'test',
    lane: 'main',
    attempt: 1,
    checkout: null,
    image: null,
    env: {},
    timeoutMs: 60_000,
    steps: [{ name: 'run', commands }],
    ...changes,
  }
}
