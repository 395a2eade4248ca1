import { inspect } from 'node:util'
import { setTimeout as delay } from 'node:timers/promises'

type Nothing = null | undefined | false | 0 | ''

/**
 * Wait for the world to become as `check` wants it, and get what it saw: anything truthy. A check that throws is asked again.
 *
 * @throws {Error} After `withinMs`, with what was last seen or thrown.
 */
export async function until<T>(
  check: () => T | Promise<T>,
  { withinMs = 30_000, everyMs = 10 }: { withinMs?: number; everyMs?: number } = {},
): Promise<Exclude<T, Nothing>> {
  const endsAt = performance.now() + withinMs
  for (;;) {
    const seen = await look(check)
    if ('value' in seen && seen.value) return seen.value as Exclude<T, Nothing>
    if (performance.now() > endsAt) {
      const words =
        'value' in seen ? `last seen: ${inspect(seen.value, { depth: 6 })}` : 'the last look threw'
      throw new Error(`Not within ${withinMs} ms: ${check.toString().slice(0, 300)}\n${words}`, {
        cause: seen.error,
      })
    }
    await delay(everyMs)
  }
}

async function look<T>(
  check: () => T | Promise<T>,
): Promise<{ value: T; error?: undefined } | { error: unknown }> {
  try {
    return { value: await check() }
  } catch (error) {
    return { error } // kept for the message, should it be the last one
  }
}
