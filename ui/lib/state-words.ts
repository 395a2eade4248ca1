import type { RunState, StepState } from '#pipelines/states.ts'

export type AnyState = RunState | StepState

/** What each state is called in the middle of a sentence. Colour and shape always come together with this word. */
export const STATE_WORDS: Readonly<Record<AnyState, string>> = {
  queued: 'queued',
  running: 'running',
  waiting: 'waiting',
  succeeded: 'succeeded',
  failed: 'failed',
  errored: 'errored',
  cancelled: 'cancelled',
  skipped: 'skipped',
}

/** What a state means, for tooltips and legends. */
export const STATE_MEANINGS: Readonly<Record<AnyState, string>> = {
  queued: 'Ready to run; waits for a runner',
  running: 'Runs right now',
  waiting: 'Waits for a person, an event or a time; holds no runner',
  succeeded: 'Every command ended with 0',
  failed: 'A command ended with something else than 0: the author’s to fix',
  errored: 'Takt or a machine could not go on: not the author’s fault',
  cancelled: 'Somebody, or a newer version, stopped it',
  skipped: 'Was never reached or not needed',
}

export const isRed = (state: AnyState): boolean => state === 'failed' || state === 'errored'
export const isUnderWay = (state: AnyState): boolean =>
  state === 'queued' || state === 'running' || state === 'waiting'
