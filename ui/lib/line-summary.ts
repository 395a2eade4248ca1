import type { PipelineSummary, RunSummary } from './api.ts'
import { isRed, isUnderWay, runLook, type RunLook, together } from './state-words.ts'

/** One pipeline on the front page: what it does now, and what is broken. */
export type LineSummary = {
  readonly pipeline: PipelineSummary
  /** What the whole line looks like; null before its first run. */
  readonly look: RunLook | null
  readonly underWay: readonly RunSummary[]
  /** The newest run of a job and lane, where that is red and may not be. */
  readonly broken: readonly RunSummary[]
  readonly newest: RunSummary | null
}

/** What the newest runs say about a line; a job that is red on its newest run keeps the line red until it is green again. */
export function summarise(pipeline: PipelineSummary): LineSummary {
  const latest = newestPerJob(pipeline.recent_runs)
  const underWay = latest.filter((run) => isUnderWay(run.state))
  const broken = latest.filter((run) => isRed(run.state) && !run.allowed)
  const look = together(latest.map(runLook), ORDER)
  return { pipeline, underWay, broken, newest: pipeline.recent_runs[0] ?? null, look }
}

const ORDER: readonly RunLook[] = [
  'errored',
  'failed',
  'running',
  'waiting',
  'queued',
  'cancelled',
  'allowed',
  'flawed',
  'succeeded',
  'skipped',
]

/** `runs` come newest first. */
function newestPerJob(runs: readonly RunSummary[]): RunSummary[] {
  const seen = new Set<string>()
  return runs.filter((run) => {
    const place = JSON.stringify([run.job, run.lane])
    return !seen.has(place) && seen.add(place)
  })
}

/** How long a run took or takes, in milliseconds; null before it started. */
export function tookMs(run: Pick<RunSummary, 'started_at' | 'ended_at'>, nowMs: number): number | null {
  if (!run.started_at) return null
  return Math.max(0, (run.ended_at ? Date.parse(run.ended_at) : nowMs) - Date.parse(run.started_at))
}

/** How a line fares: of its newest runs that came to an end by themselves, how many were green, and how long one took in the middle. */
export type LineRecord = { readonly ended: number; readonly green: number; readonly middleMs: number | null }

export function recordOf(runs: readonly RunSummary[]): LineRecord {
  const ended = runs.filter(({ state }) => state === 'succeeded' || state === 'failed' || state === 'errored')
  const tooks = ended.flatMap((run) => (run.ended_at ? (tookMs(run, 0) ?? []) : [])).toSorted((a, b) => a - b)
  const green = ended.filter(({ state, allowed }) => state === 'succeeded' || allowed).length
  return { ended: ended.length, green, middleMs: tooks[Math.floor(tooks.length / 2)] ?? null }
}

export type Commit = {
  readonly sha: string
  readonly title: string | null
  readonly author: string | null
  readonly ref: string | null
}

/** The commit a run is about: its first input that has a title, else its first input. */
export function commitOf(run: Pick<RunSummary, 'inputs'>): Commit | null {
  const input = run.inputs.find((candidate) => candidate.title !== null) ?? run.inputs[0]
  return input ? { sha: input.version, title: input.title, author: input.author, ref: input.ref } : null
}

/** A commit hash or a digest as people say it: the first seven or twelve signs; anything else as it is. */
export function shortVersion(version: string): string {
  if (/^[0-9a-f]{40,64}$/.test(version)) return version.slice(0, 7)
  const digest = /^(sha256:)?([0-9a-f]{12})[0-9a-f]{52}$/.exec(version)
  return digest?.[2] ?? version
}
