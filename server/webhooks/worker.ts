import type { RepositoryId } from '#pipelines/ids.ts'
import type { Hints } from '../events/listen.ts'
import { startWorker } from '../events/worker.ts'
import { log } from '../log.ts'
import { type ProcessDeps, processNext, waitingRepositories } from './process.ts'
import { sortNext } from './sort.ts'
import { Turns } from './turns.ts'

/** Commits of so many repositories are read at once. */
const MOST_AT_ONCE = 4

/**
 * Make something of deliveries as they come: one repository's in the order of their arrival, several repositories side by side,
 * so that a git server that does not answer holds up nobody else's.
 */
export function startDeliveries(
  given: ProcessDeps,
  loop: { hints: Pick<Hints, 'on'>; sweepMs: number },
): AsyncDisposable {
  const quit = new AbortController()
  const deps = { ...given, forges: { ...given.forges, quit: quit.signal } }
  const busy = new Map<RepositoryId, Promise<void>>()
  const later = new Set<NodeJS.Timeout>()
  const turns = new Turns<RepositoryId>()

  function pokeIn(ms: number): void {
    const timer = setTimeout(() => {
      later.delete(timer)
      worker.poke()
    }, ms)
    later.add(timer)
  }
  async function work(repository: RepositoryId): Promise<void> {
    try {
      const outcome = await processNext(deps, repository)
      if (outcome.retryInMs !== null) pokeIn(outcome.retryInMs)
      if (outcome.worked && !quit.signal.aborted) worker.poke()
    } catch (error) {
      log.error({ err: error, repository }, 'deliveries.failed') // the database is away: the next look tries again
    } finally {
      busy.delete(repository)
    }
  }
  async function look(): Promise<boolean> {
    while (await sortNext(deps));
    for (const repository of turns.order(await waitingRepositories(deps))) {
      if (busy.size >= MOST_AT_ONCE || busy.has(repository)) continue
      turns.took(repository)
      busy.set(repository, work(repository))
    }
    return false
  }
  const worker = startWorker('deliveries', look, loop)
  return {
    async [Symbol.asyncDispose]() {
      for (const timer of later) clearTimeout(timer)
      quit.abort()
      await worker[Symbol.asyncDispose]()
      await Promise.all(busy.values())
    },
  }
}
