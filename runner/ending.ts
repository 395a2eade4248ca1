import type { ExitStatus, Output } from './engine.ts'
import { graceMs, orAbort } from './stop.ts'

export type EndSignal = 'SIGTERM' | 'SIGKILL'
/** How long a killed shell may still be silent before the run goes on without it (its removal follows anyway). */
const SILENCE_MS = 10_000

/**
 * A step's output that ends when `signal` aborts: SIGTERM, after the reason's grace SIGKILL, and the reason is thrown once
 * the output ended. What the commands still say meanwhile is passed on.
 */
export async function* endingWith(
  output: AsyncGenerator<Output, ExitStatus>,
  { signal, kill }: { readonly signal: AbortSignal; readonly kill: (name: EndSignal) => void },
): AsyncGenerator<Output, ExitStatus> {
  using end = killOnAbort(signal, kill)
  for (;;) {
    const next = await orAbort(output.next(), end.givenUp).catch((error: unknown) => {
      throw signal.aborted ? signal.reason : error
    })
    if (!next.done) yield next.value
    else if (signal.aborted) throw signal.reason
    else return next.value
  }
}

function killOnAbort(
  signal: AbortSignal,
  kill: (name: EndSignal) => void,
): Disposable & { givenUp: AbortSignal } {
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
  }
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  const dispose = () => {
    signal.removeEventListener('abort', abort)
    timers.forEach((timer) => clearTimeout(timer))
  }
  return { givenUp: givenUp.signal, [Symbol.dispose]: dispose }
}
