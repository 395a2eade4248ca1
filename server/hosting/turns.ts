import type { Context } from 'hono'
import { withoutHurry } from '../http/silence.ts'

const waiting = new Map<string, Promise<void>>()

/** What was begun in a turn: its result, and when the turn is over. */
export type Begun<T> = readonly [T, Promise<void>]

/**
 * Write to a hosted repository, one at a time and in the order in which they came: each push is compared with what was before it,
 * so that no head in between is passed over.
 *
 * @param dir  The repository, by its folder.
 */
export async function inTurn<T>(dir: string, c: Context, work: () => Promise<Begun<T>>): Promise<T> {
  const before = waiting.get(dir) ?? Promise.resolve()
  const turn = Promise.withResolvers<void>()
  const all = before.then(() => turn.promise)
  waiting.set(dir, all)
  await withoutHurry(c, before)
  try {
    const [result, over] = await work()
    over.catch(() => {}).finally(() => turn.resolve()) // its failure is told to the one who pushed
    return result
  } catch (error) {
    turn.resolve()
    throw error
  } finally {
    void all.then(() => waiting.get(dir) === all && waiting.delete(dir))
  }
}
