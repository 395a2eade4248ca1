/** Who ended a run or a step before its own end: a person, the clock, its own silence, the server (it is another runner's now), or this runner's. */
export type StopCause = 'cancelled' | 'timeout' | 'inactive' | 'forgotten' | 'runner_stopped'

const GRACE_MS: Record<StopCause, number> = {
  cancelled: 10_000,
  timeout: 10_000,
  inactive: 10_000,
  forgotten: 10_000,
  /** The second signal: the operator does not want to wait. */
  runner_stopped: 0,
}

/** The reason with which a run's signal is aborted. */
export class Stop extends Error {
  readonly why: StopCause
  constructor(why: StopCause, message: string) {
    super(message)
    this.name = 'Stop'
    this.why = why
  }
}

/** How long the commands may take to end by themselves after SIGTERM. */
export function graceMs(signal: AbortSignal): number {
  return signal.reason instanceof Stop ? GRACE_MS[signal.reason.why] : GRACE_MS.cancelled
}

/** The promise, or the signal's reason as soon as it aborts; what the promise comes to later is not looked at. */
export function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
