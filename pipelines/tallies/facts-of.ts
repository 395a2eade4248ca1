import type { RunState } from '../states.ts'
import { beginOf, DAY_MS, HOUR_MS, type Measure } from './measures.ts'
import { bucketOf, UNTIMED } from './spread.ts'

export type Span = { readonly fromMs: number; readonly toMs: number }

/** A run that has come to its end, as far as it is counted. Times in milliseconds of the epoch. */
export type EndedRun = {
  readonly state: RunState
  /** Its failure may be. */
  readonly isAllowed: boolean
  readonly createdMs: number
  /** When its last attempt began; null where no runner had it. */
  readonly startedMs: number | null
  readonly endedMs: number
  /** The attempts before the last one. */
  readonly attempts: readonly Span[]
  /** When it waited for people or for a time, and held no slot. */
  readonly gates: readonly Span[]
  readonly isDeployment: boolean
  /** When the commit was known that it is the first to bring to its aim; null where it brings none. */
  readonly commitMs: number | null
  /** Since when what it brings had been failing; null where it had not. */
  readonly failingSinceMs: number | null
}

/** One thing to be counted. */
export type Fact = {
  readonly what: Measure
  readonly atMs: number
  readonly bucket: number
  readonly ms: number
}

/** However long something took, it is spread over no more than this. */
const LONGEST_MS = 100 * DAY_MS

/** What a run that has ended adds to the charts. */
export function factsOf(run: EndedRun): Fact[] {
  const { state, isAllowed, endedMs, startedMs } = run
  if (state === 'skipped' || state === 'queued' || state === 'running' || state === 'waiting') return []
  const what = state === 'failed' && isAllowed ? 'allowed' : state
  const byItself = state === 'succeeded' || state === 'failed'
  const took =
    byItself && startedMs !== null ? Math.max(0, endedMs - startedMs - lengthOf(behind(run))) : null
  const end = (of: Measure, ms: number): Fact => ({ what: of, atMs: endedMs, bucket: bucketOf(ms), ms })
  const facts = [took === null ? { ...end(what, 0), bucket: UNTIMED } : end(what, took)]
  const waited = waitedMs(run)
  if (waited !== null) facts.push(end('waited', waited))
  facts.push(...busyOf(run))
  if (run.isDeployment && byItself)
    facts.push({ ...end(state === 'failed' ? 'deploy_failed' : 'deployed', 0), bucket: UNTIMED })
  if (state !== 'succeeded') return facts
  if (run.commitMs !== null) facts.push(end('lead', Math.max(0, endedMs - run.commitMs)))
  if (run.failingSinceMs !== null) facts.push(end('restored', Math.max(0, endedMs - run.failingSinceMs)))
  return facts
}

/** From when it was made until a runner took it for the first time, without the gates before; null where none did. */
function waitedMs({ createdMs, startedMs, attempts, gates }: EndedRun): number | null {
  if (startedMs === null && attempts.length === 0) return null
  const first = Math.min(startedMs ?? Infinity, ...attempts.map(({ fromMs }) => fromMs))
  const before = gates.filter(({ fromMs }) => fromMs < first)
  const gated = lengthOf(before.map(({ fromMs, toMs }) => ({ fromMs, toMs: Math.min(first, toMs) })))
  return Math.max(0, first - createdMs - gated)
}

const lengthOf = (spans: readonly Span[]) => spans.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0)
/** The waits after it had begun. */
const behind = ({ startedMs, gates }: EndedRun): readonly Span[] =>
  gates.filter(({ fromMs }) => startedMs !== null && fromMs >= startedMs)

/** How long it held a slot, hour by hour. What it waited for behind its beginning is taken off again. */
function busyOf(run: EndedRun): Fact[] {
  const { attempts, startedMs, endedMs } = run
  const last = startedMs === null ? [] : [{ fromMs: startedMs, toMs: endedMs }]
  const byHour = new Map<number, number>()
  const add = (sign: 1 | -1) => (span: Span) => {
    for (const [hour, ms] of hoursOf(span)) byHour.set(hour, (byHour.get(hour) ?? 0) + sign * ms)
  }
  ;[...attempts, ...last].forEach(add(1))
  behind(run).forEach(add(-1))
  return [...byHour].flatMap(([atMs, ms]) =>
    ms > 0 ? [{ what: 'busy' as const, atMs, bucket: UNTIMED, ms }] : [],
  )
}

function hoursOf({ fromMs, toMs }: Span): [number, number][] {
  const parts: [number, number][] = []
  let at = Math.max(fromMs, toMs - LONGEST_MS)
  while (at < toMs) {
    const hour = beginOf('hour', at)
    const next = Math.min(toMs, hour + HOUR_MS)
    parts.push([hour, next - at])
    at = next
  }
  return parts
}
