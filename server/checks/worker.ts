import type { Db } from '../db/connect.ts'
import type { Hints } from '../events/listen.ts'
import { startWorker } from '../events/worker.ts'
import { GitError } from '../forges/git.ts'
import { log } from '../log.ts'
import { type CheckKind, type Claimed, claimDue, giveBack, untilNextMs } from './due.ts'
import { checkGit, type GitDeps } from './git.ts'
import { checkRegistry } from './registry.ts'
import { RegistryError } from './registry-api.ts'
import { settle } from './settle.ts'
import { checkTime } from './time.ts'

export type CheckDeps = GitDeps & {
  readonly db: Db
  /** Checks that runners carry out may be due: whoever is connected asks for them. */
  readonly wakeRunners: () => void
}

/** What needs no image is asked by the server itself, so many at once. */
const OWN: readonly CheckKind[] = ['registry', 'git', 'time']
const MOST_AT_ONCE = 8
const MOST_MS = 120_000

/** Look outside when it is time, and not before: the next time is known, and slept until. */
export function startChecks(
  deps: CheckDeps,
  loop: { hints: Pick<Hints, 'on'>; sweepMs: number },
): AsyncDisposable {
  const { db } = deps
  const quit = new AbortController()
  const busy = new Set<Promise<void>>()
  let alarm: NodeJS.Timeout | null = null

  const begin = (check: Claimed) => {
    const done = carryOut({ ...deps, signal: quit.signal }, check)
      .catch((error: unknown) => log.error({ err: error, check: check.id }, 'check.failed')) // its lease ends, and it is due again
      .finally(() => {
        busy.delete(done)
        worker.poke()
      })
    busy.add(done)
  }
  async function look(): Promise<boolean> {
    const room = MOST_AT_ONCE - busy.size
    const due = room > 0 ? await claimDue(db, { kinds: OWN, most: room }) : []
    due.forEach(begin)
    const nextMs = await untilNextMs(db)
    if (alarm) clearTimeout(alarm)
    alarm = nextMs === null ? null : setTimeout(ring, Math.min(nextMs + 5, 2 ** 31 - 1)).unref()
    return false
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
      await Promise.all(busy)
    },
  }
}

async function carryOut(deps: CheckDeps & { readonly signal: AbortSignal }, check: Claimed): Promise<void> {
  const { db, forges } = deps
  const signal = AbortSignal.any([deps.signal, AbortSignal.timeout(MOST_MS)])
  const { question } = check
  try {
    if (question.kind === 'registry')
      await checkRegistry({ db, signal, loginOf: deps.loginOf }, check, question)
    else if (question.kind === 'time') await checkTime(db, check, question.resource)
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
