/**
 * Every move a run can make. Server, runner and dashboard read this table; nothing else decides.
 *
 * `failed` is the author's fault, `errored` is ours or the machine's.
 */
export const RUN_MOVES = {
  queued: {
    start: 'running',
    cancel: 'cancelled',
    skip: 'skipped',
    break: 'errored',
    /** Its gate is open: people or a time are awaited, and no runner has it. */
    hold: 'waiting',
    /** Its gates were all there was of it, and none was to be waited at. */
    succeed: 'succeeded',
  },
  running: {
    succeed: 'succeeded',
    fail: 'failed',
    break: 'errored',
    cancel: 'cancelled',
    /** The runner went silent and the run waits for another one. */
    lose: 'queued',
    /** It did not succeed, and its job says that it is tried again. */
    again: 'queued',
    /** A gate, an event or a time is awaited; the runner is free meanwhile. */
    hold: 'waiting',
    /** It has handed over, and what comes next is no runner's, or another one's. */
    yield: 'queued',
  },
  waiting: {
    resume: 'queued',
    /** Its gates were all there was of it. */
    succeed: 'succeeded',
    fail: 'failed',
    break: 'errored',
    cancel: 'cancelled',
  },
  succeeded: {},
  failed: {},
  errored: {},
  cancelled: {},
  skipped: {},
} as const satisfies Record<string, Record<string, string>>

export type RunState = keyof typeof RUN_MOVES
export type RunMove = { [S in RunState]: keyof (typeof RUN_MOVES)[S] }[RunState]
export const RUN_STATES = Object.keys(RUN_MOVES) as [RunState, ...RunState[]]

/** The state `move` leads to from `state`, or null where the table knows no such move. */
export function after(state: RunState, move: RunMove): RunState | null {
  const moves: Partial<Record<RunMove, RunState>> = RUN_MOVES[state]
  return moves[move] ?? null
}

export const isFinal = (state: RunState): boolean => Object.keys(RUN_MOVES[state]).length === 0

/** The states of a step, and of each command inside it. A `skipped` one was never reached. */
export const STEP_STATES = [
  'queued',
  'running',
  'succeeded',
  'failed',
  'errored',
  'cancelled',
  'skipped',
] as const
export type StepState = (typeof STEP_STATES)[number]

/** The states of a gate: what it waits for has come, was refused, or is not waited for any more. */
export const GATE_STATES = [
  'waiting',
  'approved',
  'rejected',
  /** Nobody decided in time. */
  'expired',
  /** Its time came. */
  'passed',
  /** Its condition did not hold. */
  'skipped',
  /** Its run ended meanwhile. */
  'withdrawn',
  /** What the server did there came to nothing good. */
  'failed',
] as const
export type GateState = (typeof GATE_STATES)[number]

/** The states of a fork's commit that somebody is asked about before it runs. */
export const PULL_HEAD_STATES = [
  'waiting',
  'approved',
  'rejected',
  /** The pull request has another head by now. */
  'replaced',
  /** The pull request is over. */
  'closed',
] as const
export type PullHeadState = (typeof PULL_HEAD_STATES)[number]

/** What people want of a runner: that it takes work, that it takes none for now, that it becomes empty so that it can be stopped. */
export const RUNNER_MODES = ['active', 'paused', 'draining'] as const
export type RunnerMode = (typeof RUNNER_MODES)[number]

/** What may happen to a runner: some of it the server sees, some the runner tells, some people do. */
export const RUNNER_TELLS = ['scaled', 'degraded', 'recovered', 'restarted'] as const
export const RUNNER_EVENTS = [
  'arrived',
  'left',
  ...RUNNER_TELLS,
  'paused',
  'resumed',
  'draining',
  'reset',
] as const
export type RunnerEventKind = (typeof RUNNER_EVENTS)[number]
