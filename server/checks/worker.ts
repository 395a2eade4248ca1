import type { Db } from '../db/connect.ts'
import type { Hints } from '../events/listen.ts'
import { startWorker } from '../events/worker.ts'
import { GitError } from '../forges/git.ts'
import { log } from '../log.ts'
import type { Histogram } from '../http/metrics.ts'
import { type CheckKind, type Claimed, claimDue, giveBack, TIME_LEASE_MS, untilNextMs } from './due.ts'
import { checkGit, type GitDeps } from './git.ts'
import { checkRegistry } from './registry.ts'
import { RegistryError } from './registry-api.ts'
import { settle } from './settle.ts'
import { checkTimes, isTime } from './time.ts'

export type CheckDeps = GitDeps & {
  readonly db: Db
  /** Checks that runners carry out may be due: whoever is connected asks for them. */
  readonly wakeRunners: () => void
  /** How late times were written down, in seconds. */
  readonly lag: Histogram
}

/** What needs no image is asked by the server itself, so many at once. */
const OUTSIDE: readonly CheckKind[] = ['registry', 'git']
const MOST_AT_ONCE = 8
/** Servers that hang are one project's own trouble: the other places are for others. */
const MOST_OF_ONE = 4
/** The clock waits for nobody outside, and nobody outside keeps it waiting. */
const MOST_TIMES_AT_ONCE = 50
const MOST_PIPELINES_AT_ONCE = 4
const MOST_MS = 120_000

/** Look outside when it is time, and not before: the next time is known, and slept until. */
export function startChecks(
  deps: CheckDeps,
  loop: { hints: Pick<Hints, 'on'>; sweepMs: number },
): AsyncDisposable {
  const { db } = deps
  const quit = new AbortController()
  const busy = new Set<Promise<void>>()
  const times = new Set<Promise<void>>()
  let alarm: NodeJS.Timeout | null = null

  const begin = (among: Set<Promise<void>>, work: Promise<void>, checks: readonly Claimed[]) => {
    const ids = checks.map(({ id }) => id)
    const done = work
      .catch((error: unknown) => log.error({ err: error, checks: ids }, 'check.failed')) // its lease ends, and it is due again
      .finally(() => {
        among.delete(done)
        worker.poke()
      })
    among.add(done)
  }
  async function look(): Promise<boolean> {
    const room = MOST_AT_ONCE - busy.size
    const due = room > 0 ? await claimDue(db, { kinds: OUTSIDE, most: room, mostOfOne: MOST_OF_ONE }) : []
    for (const check of due) begin(busy, carryOut({ ...deps, signal: quit.signal }, check), [check])
    if (times.size === 0) await beginTimes()
    const nextMs = await untilNextMs(db)
    if (alarm) clearTimeout(alarm)
    alarm = nextMs === null ? null : setTimeout(ring, Math.min(nextMs + 5, 2 ** 31 - 1)).unref()
    return false
  }
  /** Those of one pipeline together, several pipelines side by side. */
  async function beginTimes(): Promise<void> {
    const most = MOST_TIMES_AT_ONCE // none of them hangs
    const come = await claimDue(db, { kinds: ['time'], most, mostOfOne: most, leaseMs: TIME_LEASE_MS })
    if (come.length > 0) begin(times, letCome(deps, come), come)
  }
  const ring = () => {
    worker.poke()
    deps.wakeRunners()
  }
  const worker = startWorker('checks', look, loop)
  return {
    async [Symbol.asyncDispose]() {
      quit.abort()
      if (alarm) clearTimeout(alarm)
      await worker[Symbol.asyncDispose]()
      await Promise.all([...busy, ...times])
    },
  }
}

async function letCome({ db, lag }: CheckDeps, come: readonly Claimed[]): Promise<void> {
  const ofPipeline = [...Map.groupBy(come.filter(isTime), ({ question }) => question.pipeline).values()]
  for (let from = 0; from < ofPipeline.length; from += MOST_PIPELINES_AT_ONCE) {
    const some = ofPipeline.slice(from, from + MOST_PIPELINES_AT_ONCE)
    const lags = await Promise.all(some.map((checks) => checkTimes(db, checks)))
    for (const lagMs of lags.flat()) lag.observe(lagMs / 1_000)
  }
}

async function carryOut(deps: CheckDeps & { readonly signal: AbortSignal }, check: Claimed): Promise<void> {
  const { db, forges } = deps
  const signal = AbortSignal.any([deps.signal, AbortSignal.timeout(MOST_MS)])
  const { question } = check
  try {
    if (question.kind === 'registry')
      await checkRegistry({ db, signal, loginOf: deps.loginOf }, check, question)
    else if (question.kind === 'git')
      await checkGit({ ...deps, forges: { ...forges, quit: signal } }, check, question)
  } catch (error) {
    if (deps.signal.aborted) return giveBack(db, check)
    const told = wordsOf(error)
    if (!told) throw error
    await settle(db, check, { error: told })
  }
}

/** What the world outside did, in words; null where it was ourselves. */
function wordsOf(error: unknown): { code: string; message: string } | null {
  if (error instanceof RegistryError) return { code: error.code, message: error.message }
  if (error instanceof GitError)
    return { code: 'git_failed', message: `the repository cannot be asked: ${error.words.slice(0, 1_000)}` }
  if (error instanceof SyntaxError)
    return { code: 'registry_unreadable', message: 'the registry answers in no JSON' }
  if (error instanceof Error && error.name === 'AbortError')
    return { code: 'timeout', message: `there was no answer within ${MOST_MS / 1_000} seconds` }
  return null
}
