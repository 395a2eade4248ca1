import type { ExitStatus, Output } from './engine.ts'
import { graceMs, orAbort } from './stop.ts'

export type EndSignal = 'SIGTERM' | 'SIGKILL'
/** How long a killed shell may still be silent before the run goes on without it (its removal follows anyway). */
const SILENCE_MS = 10_000
/** When those are looked for whom SIGTERM did not reach, counted from it: soon, as it is a matter of milliseconds, and then less often. */
const AGAIN_MS = [100, 300, 700, 1_500, 3_000, 5_000, 7_000, 9_000]
/** So long after its birth a process may still be with the handlers of its parent; the kernel counts a hundred to the second. */
export const NEWBORN_TICKS = 20

export type Ending = {
  readonly signal: AbortSignal
  readonly kill: (name: EndSignal) => void
  /** Send SIGTERM to whom it did not reach: nobody gets it twice. Left out where there is only one to hear it. */
  readonly again?: () => void
}

/**
 * A step's output that ends when `signal` aborts: SIGTERM, after the reason's grace SIGKILL, and the reason is thrown once
 * the output ended. What the commands still say meanwhile is passed on.
 */
export async function* endingWith(
  output: AsyncGenerator<Output, ExitStatus>,
  ending: Ending,
): AsyncGenerator<Output, ExitStatus> {
  const { signal } = ending
  using end = killOnAbort(ending)
  for (;;) {
    const next = await orAbort(output.next(), end.givenUp).catch((error: unknown) => {
      throw signal.aborted ? signal.reason : error
    })
    if (!next.done) yield next.value
    else if (signal.aborted) throw signal.reason
    else return next.value
  }
}

function killOnAbort({ signal, kill, again }: Ending): Disposable & { givenUp: AbortSignal } {
  const givenUp = new AbortController()
  const timers: NodeJS.Timeout[] = []
  const die = () => {
    kill('SIGKILL')
    timers.push(setTimeout(() => givenUp.abort(signal.reason), SILENCE_MS))
  }
  const abort = () => {
    const grace = graceMs(signal)
    if (grace === 0) return die()
    kill('SIGTERM')
    timers.push(setTimeout(die, grace))
    if (again) timers.push(...AGAIN_MS.map((afterMs) => setTimeout(again, afterMs)))
  }
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  const dispose = () => {
    signal.removeEventListener('abort', abort)
    timers.forEach((timer) => clearTimeout(timer))
  }
  return { givenUp: givenUp.signal, [Symbol.dispose]: dispose }
}
