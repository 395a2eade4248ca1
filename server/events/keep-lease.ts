type Keeping = {
  readonly everyMs: number
  /** @returns False where it is ours no more. */
  readonly renew: () => Promise<boolean>
  /** It could not be said this time. Where that goes on, the lease ends by itself, and another takes over. */
  readonly onError: (error: unknown) => void
}

/**
 * Say again and again, until it is let go of, that something is ours. `signal` aborts when it is ours no more: whoever works on it stops.
 */
export function keepLease({
  everyMs,
  renew,
  onError,
}: Keeping): Disposable & { readonly signal: AbortSignal } {
  const lost = new AbortController()
  const timer = setInterval(() => {
    renew().then((isOurs) => isOurs || lost.abort(), onError)
  }, everyMs)
  return { signal: lost.signal, [Symbol.dispose]: () => clearInterval(timer) }
}
