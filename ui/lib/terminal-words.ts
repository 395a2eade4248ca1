import type { Run, RunTerminal } from './api.ts'

type Moments = Pick<Run, 'steps' | 'earlier' | 'started_at' | 'ended_at'>

/** What goes on beside the steps, or around them, is not what somebody looked into. */
const AROUND: ReadonlySet<Run['steps'][number]['kind']> = new Set(['group', 'service'])

/**
 * What the run was doing when a terminal was opened: `during step test`, `in the kept container`, `in attempt 1`; empty where that
 * is not known any more.
 */
export function duringWhat(run: Moments, { opened_at }: Pick<RunTerminal, 'opened_at'>): string {
  const at = Date.parse(opened_at)
  const has = (from: string | null, to: string | null) =>
    from !== null && Date.parse(from) <= at && (to === null || at < Date.parse(to))
  if (run.ended_at !== null && Date.parse(run.ended_at) <= at) return 'in the kept container'
  const before = run.earlier.find(({ started_at, ended_at }) => has(started_at, ended_at))
  if (before) return `in attempt ${before.attempt}`
  const names = run.steps
    .filter(({ kind, started_at, ended_at }) => !AROUND.has(kind) && has(started_at, ended_at))
    .map(({ name }) => name)
  if (names.length === 0) return ''
  return `during ${names.length === 1 ? 'step' : 'steps'} ${names.join(', ')}`
}

/** How it ended, which is never with nothing said: `open now`, `exit code 0`, `left by ada`, or why it was closed. */
export function endingOf({
  closed_at,
  exit_code,
  reason,
  user,
}: Pick<RunTerminal, 'closed_at' | 'exit_code' | 'reason' | 'user'>): string {
  if (closed_at === null) return 'open now'
  const code = exit_code === null ? '' : `exit code ${exit_code}`
  const why = reason === null ? '' : `closed: ${reason}`
  return [code, why].filter(Boolean).join(', ') || `left by ${user}`
}

/** `3 terminals, 1 open now`. */
export function countOf(terminals: readonly Pick<RunTerminal, 'closed_at'>[]): string {
  const open = terminals.filter(({ closed_at }) => closed_at === null).length
  const words = terminals.length === 1 ? '1 terminal' : `${terminals.length} terminals`
  return open > 0 ? `${words}, ${open} open now` : words
}
