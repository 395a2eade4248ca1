import type { Job, PipelineSummary, Resource, RunStep, RunSummary } from './api.ts'
import type { RunState, StepState } from '#pipelines/states.ts'

export type AnyState = RunState | StepState

/** How a step is drawn: its state, but for one that failed and may, and one that was never begun. */
export type StepLook = AnyState | 'allowed' | 'unreached'

export function stepLook({ state, allowed }: Pick<RunStep, 'state' | 'allowed'>): StepLook {
  if (state === 'skipped') return 'unreached'
  return allowed && isRed(state) ? 'allowed' : state
}

export const stepWord = (look: StepLook): string =>
  look === 'allowed' ? 'failed, as it may' : look === 'unreached' ? 'passed over' : look

/** How a run is drawn: its state, but for one that the line goes on behind only because a failure was allowed. */
export type RunLook = RunState | 'allowed' | 'flawed'

export function runLook({ state, allowed }: Pick<RunSummary, 'state' | 'allowed'>): RunLook {
  if (!allowed) return state
  return state === 'succeeded' ? 'flawed' : 'allowed'
}

/** How a test's outcome is drawn. */
export const TEST_LOOKS = { passed: 'succeeded', failed: 'failed', skipped: 'unreached' } as const

/** What several runs look like as one: the first of `order` that one of them is; null where there are none. */
export function together(looks: readonly RunLook[], order: readonly RunLook[]): RunLook | null {
  const first = order.find((look) => looks.includes(look)) ?? null
  return first === 'allowed' && looks.some((look) => look !== 'allowed') ? 'flawed' : first
}

const RUN_WORDS: { readonly [look in RunLook]?: string } = {
  skipped: 'passed through',
  allowed: 'failed, as it may',
  flawed: 'partly succeeded',
}

/**
 * What a run is called in the middle of a sentence. Colour and shape always come together with this word.
 *
 * A job that is passed through counts for those behind it as if it had run.
 */
export const runWord = (look: RunLook): string => RUN_WORDS[look] ?? look

/** What a run's look means, for tooltips and legends. */
export const RUN_MEANINGS: Readonly<Record<RunLook, string>> = {
  queued: 'Ready to run; waits for a runner',
  running: 'Runs right now',
  waiting: 'Waits for a person, an event or a time; holds no runner',
  succeeded: 'Every command ended with 0',
  failed: 'A command ended with something else than 0: the author’s to fix',
  errored: 'Takt or a machine could not go on: not the author’s fault',
  cancelled: 'Somebody, or a newer version, stopped it',
  skipped: 'The job was not run, and those behind it go on as if it were green',
  allowed: 'It failed and may (`allow_failure`): those behind it go on as if it were green',
  flawed: 'It is green, though a part of it failed that may (`allow_failure`)',
}

/** What a force-push means for the version that came by it. */
export const FORCED =
  'It came by a force-push: what was newest until then is not among its ancestors, and was left behind'

/** Who pinned a resource and why, and what that means. */
export const pinWords = ({ by, reason }: NonNullable<Resource['pinned']>): string =>
  `Pinned by ${by ?? 'somebody'}: ${reason}. Jobs on this lane take only this version`

/** Who paused a job and why, in the words that the line waits with; null where it goes. */
export const pausedWords = ({ waiting }: Pick<Job, 'waiting'>): string | null =>
  waiting?.startsWith('paused by ') ? waiting : null

/** What of a whole line is paused, in words; null where all of it goes. */
export function pauseWords({
  paused,
  paused_jobs: jobs,
}: Pick<PipelineSummary, 'paused' | 'paused_jobs'>): string | null {
  if (paused) return `the whole line, by ${paused.by ?? 'somebody'}: ${paused.reason}`
  return jobs.length > 0 ? jobs.join(', ') : null
}

export const isRed = (state: AnyState): boolean => state === 'failed' || state === 'errored'
export const isUnderWay = (state: AnyState): boolean =>
  state === 'queued' || state === 'running' || state === 'waiting'
