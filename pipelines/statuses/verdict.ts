import type { RunState } from '../states.ts'

/** How a commit stands on a line, or in one job of it: what a forge is told. */
export const VERDICTS = [
  'queued',
  'running',
  /** It waits for people: at a gate, or because its commit is a stranger's. */
  'waiting',
  'succeeded',
  /** Green, with a failure that was allowed: amber. */
  'allowed',
  /** Nothing ran: filters kept everything out. */
  'skipped',
  'failed',
  'errored',
  'cancelled',
] as const
export type Verdict = (typeof VERDICTS)[number]

/** The newest run of a job, or of a leg of its matrix, with the commit. */
export type JobRun = {
  readonly job: string
  readonly state: RunState
  /** It counts as green, or its step does, only because a failure was allowed. */
  readonly allowed: boolean
}
export type Standing = { readonly verdict: Verdict; readonly words: string }

const UNFINISHED: readonly Verdict[] = ['queued', 'running', 'waiting']
export const isUnfinished = (verdict: Verdict): boolean => UNFINISHED.includes(verdict)
const RED: readonly Verdict[] = ['failed', 'errored', 'cancelled']
export const isRed = (verdict: Verdict): boolean => RED.includes(verdict)

/** A commit on a line, by the newest runs of all its jobs. While one has not ended, the line has not. */
export function lineVerdict(runs: readonly JobRun[]): Standing {
  const jobs = [...Map.groupBy(runs, ({ job }) => job)].map(([job, legs]) => ({
    job,
    verdict: jobVerdict(legs),
  }))
  const named = (verdict: Verdict) => jobs.filter((each) => each.verdict === verdict).map(({ job }) => job)
  const has = (verdict: Verdict) => named(verdict).length > 0
  const ended = jobs.filter(({ verdict }) => !isUnfinished(verdict)).length
  const so = (verdict: Verdict, words: string): Standing => ({ verdict, words })
  if (jobs.length === 0) return so('skipped', 'nothing here runs for this commit')
  if (has('running') || (has('queued') && ended > 0))
    return so('running', `${ended} of ${jobs.length} jobs done`)
  if (has('waiting')) return so('waiting', `waits for people: ${list(named('waiting'))}`)
  if (has('queued')) return so('queued', `${list(named('queued'))} in the queue`)
  if (has('failed')) return so('failed', `failed: ${list(named('failed'))}`)
  if (has('errored')) return so('errored', `broke for no fault of the commit: ${list(named('errored'))}`)
  if (has('cancelled')) return so('cancelled', `cancelled: ${list(named('cancelled'))}`)
  if (has('allowed')) return so('allowed', `passed; failed and allowed to: ${list(named('allowed'))}`)
  if (!has('succeeded')) return so('skipped', 'nothing here runs for this commit')
  return so('succeeded', `${named('succeeded').length} of ${jobs.length} jobs green`)
}

/** A job by the newest runs of its legs. */
export function jobVerdict(legs: readonly JobRun[]): Verdict {
  const has = (state: RunState) => legs.some((leg) => leg.state === state && !leg.allowed)
  if (has('running')) return 'running'
  if (has('waiting')) return 'waiting'
  if (has('queued')) return 'queued'
  if (has('failed')) return 'failed'
  if (has('errored')) return 'errored'
  if (has('cancelled')) return 'cancelled'
  if (legs.some(({ allowed }) => allowed)) return 'allowed'
  return has('succeeded') ? 'succeeded' : 'skipped'
}

const MOST_NAMED = 3
function list(names: readonly string[]): string {
  const more = names.length - MOST_NAMED
  return names.slice(0, MOST_NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '')
}
