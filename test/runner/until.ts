import { setTimeout as sleep } from 'node:timers/promises'

/** Wait until `look` finds something; what it throws meanwhile does not count. */
export async function until<T>(look: () => T | Promise<T>, withinMs = 10_000): Promise<NonNullable<T>> {
  const end = performance.now() + withinMs
  for (;;) {
    const found = await look()
    if (found) return found
    if (performance.now() > end) throw new Error(`Not within ${withinMs} ms: ${look}`)
    await sleep(5)
  }
}
