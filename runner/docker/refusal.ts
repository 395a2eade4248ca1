import { z } from 'zod'

/** A refusal as the engine's client throws it: the HTTP status, and the engine's own words in `json.message`. */
const Refusal = z.object({
  statusCode: z.number(),
  json: z.object({ message: z.string() }).nullish().catch(null),
})

/** Whether the engine answered, and with this status. */
export function isStatus(error: unknown, ...statuses: readonly number[]): boolean {
  const refusal = Refusal.safeParse(error)
  return refusal.success && statuses.includes(refusal.data.statusCode)
}

/** Whether the engine answered at all, whatever it said. */
export const isAnswer = (error: unknown): boolean => Refusal.safeParse(error).success

/** What the client writes before the engine's words, where it keeps no JSON of them: so it is with answers that are streams. */
const DECORATION = /^\(HTTP code \d{3}\) [\w ]+ - /

/** The engine's words for what went wrong, without the client's decoration. */
export function wordsOf(error: unknown): string {
  const words = Refusal.safeParse(error).data?.json?.message
  return words ?? (error instanceof Error ? error.message : String(error)).replace(DECORATION, '').trim()
}

/** Gone already, or being removed by someone else at this moment: what was wanted. */
export function unlessGone(error: unknown): void {
  if (!isStatus(error, 404, 409)) throw error
}

/** The same for volumes and networks, where 409 and 403 mean that somebody uses it still. */
export function unlessMissing(error: unknown): void {
  if (!isStatus(error, 404)) throw error
}
