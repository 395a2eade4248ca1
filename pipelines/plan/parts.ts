import type { Job } from '../language/pipeline.ts'
import type { Step } from '../language/step.ts'
import { type GateStep, isGate } from './gates.ts'

/**
 * A run passes through its job in parts: what stands between two gates is one runner's, and a gate is nobody's. Positions count the
 * steps at the top of the job from 0, gates and others alike.
 */
type Steps = Pick<Job, 'steps'>

/** What a runner carries out of the job from `position` on, and the gate at which it hands over; null where the job ends with it. */
export function partAt({ steps }: Steps, position: number): { steps: readonly Step[]; gate: number | null } {
  const gate = gateFrom(steps, position)
  return { steps: steps.slice(position, gate ?? undefined), gate }
}

function gateFrom(steps: readonly Step[], position: number): number | null {
  const index = steps.findIndex((step, at) => at >= position && isGate(step))
  return index < 0 ? null : index
}

/** The gate at a position; undefined where none stands there. */
export function gateAt({ steps }: Steps, position: number): GateStep | undefined {
  const step = steps[position]
  return step && isGate(step) ? step : undefined
}

/**
 * The gate that a run stands before: at its position, or, where that was reached by an earlier run whose content it begins with,
 * the first one behind `from` at which people decide. Null where it has none to pass before it goes on.
 */
export function nextGate(job: Steps, { from, position }: { from: number; position: number }): number | null {
  for (let at = from; at < position; at++) if (job.steps[at]?.kind === 'approve') return at
  const at = Math.max(from, position)
  return gateAt(job, at) ? at : null
}

type Standing = {
  readonly state: 'queued' | 'running' | 'waiting'
  readonly position: number
  /** The gate that the run stands before, or waits at. */
  readonly gate: number | null
}

/** The steps at the top of a job with gates that a run has not come to: no runner has them, and no gate of them is open. */
export function stepsAhead({ steps }: Steps, { state, position, gate }: Standing): readonly Step[] {
  if (!steps.some(isGate)) return []
  const handsOver = state === 'running' ? gateFrom(steps, position) : position
  const from = gate === null ? (handsOver ?? steps.length) : state === 'waiting' ? gate + 1 : gate
  // what an earlier run did is not done again, but people are asked again
  return steps.filter((step, at) => at >= from && (at >= position || step.kind === 'approve'))
}

/** Whether nothing of a job is ever a runner's. */
export const isAllGates = ({ steps, hooks }: Pick<Job, 'steps' | 'hooks'>): boolean =>
  steps.every(isGate) && Object.values(hooks).every((hook) => hook.length === 0)

/** Whether a run that came to this end at a gate still has something to do on a runner: hooks, and what a failed run hands on. */
export function hasLastWords(
  { hooks, keep, reports }: Pick<Job, 'hooks' | 'keep' | 'reports'>,
  state: 'failed' | 'errored' | 'cancelled',
): boolean {
  const fitting = { failed: hooks.onFailure, errored: hooks.onError, cancelled: hooks.onCancel }[state]
  const handsOn = keep !== null || reports.junit.length > 0 || reports.coverage.length > 0
  return fitting.length > 0 || hooks.always.length > 0 || (handsOn && state !== 'cancelled')
}
