import type { Plan } from '#pipelines/wire/plan.ts'
import { type Send, Work } from './work.ts'

const WORDS = 'The runner could not take the run; its log says why.'
const NO_HOOKS: Plan['hooks'] = { on_success: [], on_failure: [], on_error: [], on_cancel: [], always: [] }

/**
 * A run that could not even be begun, its report already at its end: the server need not wait for its lease.
 *
 * Nothing of the plan is said, and so nothing of it has to be hidden: that alone may be what went wrong.
 */
export function untaken(plan: Plan, lease: string, send: Send): Work {
  const bare: Plan = { ...plan, secrets: {}, checkout: null, gets: [], steps: [], hooks: NO_HOOKS }
  const work = new Work(bare, lease, send)
  const error = { code: 'plan_impossible', message: WORDS }
  work.report({ kind: 'run.ended', move: 'break', error, exitCode: null })
  return work
}
