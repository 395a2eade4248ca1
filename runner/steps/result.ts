import { MOST_LETTERS } from '#pipelines/wire/runner.ts'
import type { RunError } from '#pipelines/wire/runner.ts'
import { EngineError, type ExitStatus, type StepEnd, StepFailed } from '../engine.ts'
import type { Log } from '../log.ts'
import { Stop } from '../stop.ts'
import type { Work } from '../work.ts'

/** What a step, a hook or a whole run came to. */
export type Result = StepEnd & {
  /** Why, for people and for rules; null where the exit code says it, or a person. */
  readonly error: RunError | null
  /** What nobody foresaw, for the runner's own log. */
  readonly surprise?: unknown
}

export const SUCCEEDED: Result = { state: 'succeeded', exitCode: null, error: null }

/** Whether what stands behind it goes on. */
export const isGood = ({ state }: Result): boolean => state === 'succeeded' || state === 'skipped'

export const resultOf = ({ exitCode, error }: Pick<ExitStatus, 'exitCode' | 'error'>): Result => ({
  state: exitCode === 0 ? 'succeeded' : 'failed',
  exitCode,
  error,
})

/** Whose fault it was that something did not come to an end of its own. */
export function resultOfError(error: unknown, signal: AbortSignal): Result {
  if (error instanceof Stop) return resultOfStop(error)
  if (signal.aborted && signal.reason instanceof Stop) return resultOfStop(signal.reason)
  if (error instanceof StepFailed)
    return { state: 'failed', exitCode: error.exitCode, error: said('step_failed', error.message) }
  if (error instanceof EngineError)
    return { state: 'errored', exitCode: null, error: said(error.code, error.message) }
  const message = `The runner could not go on: ${String(error)}`
  return { state: 'errored', exitCode: null, error: said('runner_failed', message), surprise: error }
}

export function resultOfStop({ why, message }: Stop): Result {
  switch (why) {
    case 'cancelled':
    case 'forgotten':
      return { state: 'cancelled', exitCode: null, error: null }
    case 'timeout':
    case 'inactive':
      return { state: 'failed', exitCode: null, error: said(why, message) }
    case 'runner_stopped':
      return { state: 'errored', exitCode: null, error: said(why, message) }
  }
}

type Ended = { readonly step: number; readonly result: Result; readonly allowed: boolean }

/** Tell how a step ended; what nobody foresaw stands in the runner's own log besides. */
export function reportEnd(
  { work, log }: { readonly work: Work; readonly log: Log },
  { step, result: { state, exitCode, error, surprise }, allowed }: Ended,
): void {
  work.report({ kind: 'step.ended', step, state, exitCode, allowed })
  if (error?.code === 'runner_failed') log.error({ run: work.plan.run, step, err: surprise }, 'step.broke')
}

const said = (code: string, message: string): RunError => ({
  code,
  message: message.slice(0, MOST_LETTERS.message),
})
