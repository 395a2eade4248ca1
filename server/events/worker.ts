import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { redialMs } from '#pipelines/wire/redial.ts'
import { log } from '../log.ts'
import type { Hints } from './listen.ts'

/** A loop that looks whenever something was committed, and now and then all the same. */
export interface Worker extends AsyncDisposable {
  /** Look now. Calls that come while it looks are one more look. */
  poke(): void
}

/**
 * Keep calling `work` as long as it finds something, then wait for the next hint.
 *
 * @param work  Does what is due; true when there may be more. It throws what it does not expect: that is logged and tried
 *   again, later each time.
 * @param sweepMs  The safety net: how long to wait without a hint.
 */
export function startWorker(
  name: string,
  work: (quit: AbortSignal) => Promise<boolean>,
  { hints, sweepMs }: { hints: Pick<Hints, 'on'>; sweepMs: number },
): Worker {
  const quit = new AbortController()
  let wake = Promise.withResolvers<void>()
  const poke = () => wake.resolve()
  const off = hints.on(poke)

  async function loop() {
    for (let failures = 0; !quit.signal.aborted;) {
      wake = Promise.withResolvers()
      try {
        while (!quit.signal.aborted && (await work(quit.signal)));
        failures = 0
        const sweep = setTimeout(poke, sweepMs)
        await wake.promise
        clearTimeout(sweep)
      } catch (error) {
        if (quit.signal.aborted) return
        log.error({ err: error, worker: name }, 'worker.failed')
        await rest(redialMs(failures++, randomInt(1_000) / 1_000), quit.signal)
      }
    }
  }
  const running = loop()
  return {
    poke,
    async [Symbol.asyncDispose]() {
      off()
      quit.abort()
      poke()
      await running
    },
  }
}

/** Wait, or not when `quit` aborts. */
async function rest(ms: number, quit: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: quit, ref: false }).catch(() => {}) // aborted: the caller looks at the signal
}
