import type { Chain } from './api.ts'
import { type RunLook, runLook, runWord, together } from './state-words.ts'
import { duration } from './time.ts'

export type ChainRun = Chain['items'][number]

/** What a run did in a stretch of time: it stood in the queue, it was carried out, or it waited at a gate. */
export type Doing = 'queued' | 'running' | 'gate'

/** Times are milliseconds since 1970. */
export type Stretch = {
  readonly doing: Doing
  readonly from: number
  readonly to: number
  /** The gate that it waited at. */
  readonly gate: string | null
}

/** A job's passage; all the legs of a matrix are one. */
export type Bar = {
  readonly job: string
  readonly runs: readonly ChainRun[]
  readonly look: RunLook
  readonly from: number
  readonly to: number
  readonly stretches: readonly Stretch[]
  /** Whether the chain would have ended sooner if it had. */
  readonly critical: boolean
}

export type Waterfall = {
  /** What is drawn begins here; something that led to it may lie before. */
  readonly from: number
  readonly to: number
  readonly bars: readonly Bar[]
  readonly isOver: boolean
  /** The critical path and what most of it went by with, in words; empty where there is no run. */
  readonly words: string
}

/**
 * A chain of runs in the order of time, and its critical path: from the run that ended last back over what it waited for longest.
 *
 * @param runs  Of one job several only where they are legs of its matrix, or earlier tries; of a leg the newest counts.
 * @param nowMs  How far what is under way reaches.
 * @param arrivedMs  When that came which it is all about; without it what lies before the critical path is left out.
 */
export function waterfall(runs: readonly ChainRun[], nowMs: number, arrivedMs?: number): Waterfall {
  const all = barsOf(runs, nowMs)
  const last = all.reduce<Bare | null>((late, bar) => (late && late.to > bar.to ? late : bar), null)
  if (!last) return { from: nowMs, to: nowMs, bars: [], isOver: true, words: '' }
  const path = pathTo(last, all)
  const from = path[0]?.from ?? last.from
  const bars = all
    .map((bar) => ({ ...bar, critical: path.includes(bar) }))
    .toSorted((a, b) => a.from - b.from || a.to - b.to)
  const isOver = runs.every((run) => run.ended_at !== null)
  const words = wordsOf(path, { from, to: last.to, isOver })
  const drawnFrom = arrivedMs === undefined ? from : Math.min(arrivedMs, from)
  return { from: drawnFrom, to: last.to, bars, isOver, words }
}

type Bare = Omit<Bar, 'critical'>
/** A matrix is what the first of these is that one of its legs is. */
const LOOKS: readonly RunLook[] = [
  ...(['running', 'waiting', 'queued', 'failed', 'errored', 'cancelled'] as const),
  ...(['allowed', 'flawed', 'succeeded', 'skipped'] as const),
]

function barsOf(runs: readonly ChainRun[], nowMs: number): Bare[] {
  const newest = new Map<string, ChainRun>()
  for (const run of runs.toSorted((a, b) => a.id - b.id))
    newest.set(`${run.job} ${JSON.stringify(run.matrix)}`, run)
  return [...Map.groupBy(newest.values(), ({ job }) => job)].map(([job, legs]) => {
    const look = together(legs.map(runLook), LOOKS) ?? 'queued'
    const stretches = stretchesOf(legs, nowMs)
    const from = Math.min(...legs.map((run) => Date.parse(run.created_at)))
    return { job, runs: legs, look, from, to: stretches.at(-1)?.to ?? from, stretches }
  })
}

type Spell = { readonly from: number; readonly to: number }
const at = (time: string | null, otherwise: number): number => (time === null ? otherwise : Date.parse(time))
const lifeOf = (run: ChainRun, nowMs: number): Spell => {
  const from = Date.parse(run.created_at)
  return { from, to: Math.max(from, at(run.ended_at, nowMs)) }
}
const isIn = (ms: number, { from, to }: Spell): boolean => from <= ms && ms < to

/** What legs did together, one stretch after the other: while one of them runs, they run. */
function stretchesOf(legs: readonly ChainRun[], nowMs: number): Stretch[] {
  const lives = legs.map((run) => {
    const life = lifeOf(run, nowMs)
    const gates = run.gates.map(({ name, opened_at, closed_at }) => ({
      ...{ name, from: Date.parse(opened_at) },
      to: Math.min(life.to, at(closed_at, life.to)),
    }))
    return { life, gates, started: at(run.started_at, Infinity) }
  })
  const edges = lives.flatMap(({ life, gates, started }) =>
    [life, ...gates].flatMap(({ from, to }) => [from, to]).concat(isIn(started, life) ? started : []),
  )
  const doingAt = (ms: number): Pick<Stretch, 'doing' | 'gate'> | null => {
    const there = lives.filter(({ life }) => isIn(ms, life))
    const waiting = there.map(({ gates }) => gates.find((gate) => isIn(ms, gate))?.name ?? null)
    if (there.some(({ started }, index) => started <= ms && waiting[index] === null))
      return { doing: 'running', gate: null }
    const gate = waiting.find((name) => name !== null)
    if (gate !== undefined) return { doing: 'gate', gate }
    return there.length > 0 ? { doing: 'queued', gate: null } : null
  }
  const sorted = [...new Set(edges)].toSorted((a, b) => a - b)
  const stretches: Stretch[] = []
  for (const [index, from] of sorted.entries()) {
    const to = sorted[index + 1]
    const doing = to === undefined ? null : doingAt(from)
    const before = stretches.at(-1)
    if (to === undefined || doing === null) continue
    if (before?.to === from && before.doing === doing.doing && before.gate === doing.gate)
      stretches[stretches.length - 1] = { ...before, to }
    else stretches.push({ ...doing, from, to })
  }
  return stretches
}

/** Clocks of one database, but not of one transaction. */
const SLACK_MS = 1_000

/** Back from a bar over what it waited for longest: of all that led to it and had ended when it was made, what ended last. */
function pathTo(last: Bare, all: readonly Bare[]): Bare[] {
  const path = [last]
  for (;;) {
    const [first = last] = path
    const needed = new Set(first.runs.flatMap(({ upstream }) => upstream))
    const before = all.filter(
      (bar) =>
        !path.includes(bar) && bar.to <= first.from + SLACK_MS && bar.runs.some(({ id }) => needed.has(id)),
    )
    const latest = before.toSorted((a, b) => b.to - a.to)[0]
    if (!latest) return path
    path.unshift(latest)
  }
}

/** What else is told beside the most is at least so much of the whole. */
const WORTH_TELLING = 0.15

function wordsOf(
  path: readonly Bare[],
  { from, to, isOver }: { readonly from: number; readonly to: number; readonly isOver: boolean },
): string {
  const names = path.map(({ job }) => job).join(' → ')
  const whole = to - from
  const parts = partsOf(path).toSorted((a, b) => b.ms - a.ms)
  const told = parts.filter(({ ms }, index) => ms > 0 && (index === 0 || ms >= whole * WORTH_TELLING))
  const spent = told.slice(0, 2).map(({ ms, words }) => `${duration(ms)} ${words}`)
  const length = `${duration(whole)}${isOver ? '' : ' so far'}`
  return spent.length === 0 ? `${names}: ${length}.` : `${names}: of ${length}, ${spent.join(' and ')}.`
}

/** What the time of a path went by with. */
function partsOf(path: readonly Bare[]): { readonly words: string; readonly ms: number }[] {
  const spent = new Map<string, number>()
  const add = (words: string, ms: number) => spent.set(words, (spent.get(words) ?? 0) + Math.max(0, ms))
  for (const [index, { job, from, stretches }] of path.entries()) {
    const before = path[index - 1]
    if (before) add(`until ${job} was started after ${before.job}`, from - before.to)
    for (const stretch of stretches) add(`${DOING[stretch.doing]} ${job}`, stretch.to - stretch.from)
  }
  return [...spent].map(([words, ms]) => ({ words, ms }))
}

const DOING: Readonly<Record<Doing, string>> = {
  gate: 'waiting at the gate of',
  queued: 'in the queue before',
  running: 'running',
}

/** What became of a bar in words, for whoever sees none. */
export const barWords = ({ look, stretches }: Bar): string =>
  [runWord(look), ...stretches.map(({ doing, from, to }) => `${duration(to - from)} ${SHORT[doing]}`)].join(
    ', ',
  )
const SHORT: Readonly<Record<Doing, string>> = { gate: 'at a gate', queued: 'queued', running: 'running' }
