import type { InferResponseType } from 'hono/client'
import { answer, body, v1 } from './api.ts'

const ofServer = v1.server.key

export type SealingKey = InferResponseType<typeof ofServer.$get, 200>

/** The key that secrets are sealed with. */
export const sealingKey = {
  now: (signal: AbortSignal) => answer(ofServer.$get({}, { init: { signal } })),
  rotate: () => body(ofServer.rotate.$post()),
}
