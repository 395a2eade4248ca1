import type { RunId } from '#pipelines/ids.ts'
import type { Checkout, Plan, PlanHooks, PlanStep } from '#pipelines/wire/plan.ts'

let lastRun = 1_000 + (process.pid % 1_000) * 1_000

export const NO_HOOKS: PlanHooks = { on_success: [], on_failure: [], on_error: [], on_cancel: [], always: [] }

/** A step with nothing besides its commands; `changes` says what is different about it. */
export const runStep = (
  step: number,
  commands: readonly string[],
  changes: Partial<Omit<Extract<PlanStep, { kind: 'run' }>, 'kind'>> = {},
): Extract<PlanStep, { kind: 'run' }> => ({
  step,
  name: 'run',
  skip: null,
  image: null,
  env: {},
  retry: null,
  timeoutMs: null,
  allowFailure: false,
  hooks: NO_HOOKS,
  kind: 'run',
  commands,
  ...changes,
})

/** A group of steps, all of them at once where nothing else is said. */
export const groupStep = (
  step: number,
  steps: PlanStep[],
  changes: Partial<Omit<Extract<PlanStep, { kind: 'group' }>, 'kind'>> = {},
): Extract<PlanStep, { kind: 'group' }> => {
  const { commands: _none, ...around } = runStep(step, [], { name: 'group' })
  return { ...around, kind: 'group', steps, maxParallel: null, failFast: true, ...changes }
}

export const hooksOf = (hooks: Partial<PlanHooks>): PlanHooks => ({ ...NO_HOOKS, ...hooks })

export const checkoutOf = (changes: Partial<Checkout> & Pick<Checkout, 'url' | 'sha' | 'ref'>): Checkout => ({
  credential: null,
  depth: 1,
  submodules: false,
  lfs: false,
  ...changes,
})

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
    secrets: {},
    withheld: [],
    timeoutMs: 60_000,
    inactivityMs: 60_000,
    limits: { cpus: 2, memoryBytes: 2 ** 32, pids: 1024 },
    services: [],
    gets: [],
    caches: [],
    keptBy: [],
    keep: null,
    outputs: [],
    statesOf: [],
    statesLeft: [],
    reports: { junit: [], coverage: [] },
    prepare: 0,
    resume: null,
    ending: null,
    steps: [runStep(1, commands)],
    handOver: null,
    hooks: NO_HOOKS,
    finish: 2,
    holdMs: 0,
    ...changes,
  }
}
