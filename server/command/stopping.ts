const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
/** One Ctrl-C may arrive more than once: from the terminal, and from a parent that passes it on. */
const SAME_MS = 400

/** Resolves with the first signal to stop. */
export const untilToldToStop = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of SIGNALS) process.on(signal, () => resolve())
  })

/** Calls for each signal to stop that a person meant, counted from 1. A launcher that is killed says it as well. */
export function onToldToStop(listen: (times: number) => void): void {
  let times = 0
  let lastAt = -Infinity
  const told = () => {
    if (performance.now() - lastAt < SAME_MS) return
    lastAt = performance.now()
    listen(++times)
  }
  for (const signal of SIGNALS) process.on(signal, told)
  process.on('disconnect', told)
  process.channel?.unref() // listening alone must not keep us from ending
}
