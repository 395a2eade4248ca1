/**
 * Many asks, few runs: a run starts `waitMs` after the first ask, never beside another one, and asks that arrive during a run
 * lead to exactly one more. After a rest it starts `soonMs` after the first ask: what happens by itself is seen at once, and what
 * happens in a row costs one run more.
 *
 * A run that throws is tried again after `retryMs(failures)`; null there means that trying again is of no use.
 */
export type Coalesced = { readonly ask: () => void; readonly now: () => void; readonly stop: () => void }

export type CoalesceOptions = {
  readonly waitMs: number
  /** Without it there is no such haste. */
  readonly soonMs?: number
  readonly run: (signal: AbortSignal) => Promise<void>
  readonly retryMs: (failures: number, cause: unknown) => number | null
}

/** A rest is a time without a run, of so many waits. */
const RESTED = 5

export function coalesce({ waitMs, soonMs = waitMs, run, retryMs }: CoalesceOptions): Coalesced {
  const stopped = new AbortController()
  let timer: ReturnType<typeof setTimeout> | null = null
  let isRunning = false
  let isAskedAgain = false
  let failures = 0
  let endedAt = -Infinity

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
    endedAt = Date.now()
    if (againMs !== null) later(againMs)
    else if (isAskedAgain) later(waitMs)
  }

  const ask = (ms: number) => {
    if (isRunning) isAskedAgain = true
    else later(ms)
  }

  return {
    ask: () => ask(Date.now() - endedAt > waitMs * RESTED ? soonMs : waitMs),
    now: () => ask(0),
    stop: () => {
      stopped.abort()
      if (timer) clearTimeout(timer)
    },
  }
}
