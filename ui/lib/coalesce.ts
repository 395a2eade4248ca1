/**
 * Many asks, few runs: a run starts `waitMs` after the first ask, never beside another one, and asks that arrive during a run
 * lead to exactly one more.
 *
 * A run that throws is tried again after `retryMs(failures)`; null there means that trying again is of no use.
 */
export type Coalesced = { readonly ask: () => void; readonly now: () => void; readonly stop: () => void }

export type CoalesceOptions = {
  readonly waitMs: number
  readonly run: (signal: AbortSignal) => Promise<void>
  readonly retryMs: (failures: number, cause: unknown) => number | null
}

export function coalesce({ waitMs, run, retryMs }: CoalesceOptions): Coalesced {
  const stopped = new AbortController()
  let timer: ReturnType<typeof setTimeout> | null = null
  let isRunning = false
  let isAskedAgain = false
  let failures = 0

  const later = (ms: number) => {
    if (timer === null && !stopped.signal.aborted) timer = setTimeout(() => void start(), ms)
  }

  async function start(): Promise<void> {
    timer = null
    isRunning = true
    isAskedAgain = false
    let againMs: number | null = null
    try {
      await run(stopped.signal)
      failures = 0
    } catch (cause) {
      againMs = stopped.signal.aborted ? null : retryMs(failures++, cause)
    }
    isRunning = false
    if (againMs !== null) later(againMs)
    else if (isAskedAgain) later(waitMs)
  }

  const ask = (ms: number) => {
    if (isRunning) isAskedAgain = true
    else later(ms)
  }

  return {
    ask: () => ask(waitMs),
    now: () => ask(0),
    stop: () => {
      stopped.abort()
      if (timer) clearTimeout(timer)
    },
  }
}
