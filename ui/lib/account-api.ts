import type { InferResponseType } from 'hono/client'
import { answer, body, v1 } from './api.ts'

export type Sessions = InferResponseType<typeof v1.sessions.$get, 200>
export type Session = Sessions['items'][number]

/** What people do with their own account. */
export const account = {
  /** @param current  The present password; null where there is none yet. */
  setPassword: async (current: string | null, password: string): Promise<void> => {
    const json = current === null ? { password } : { current, password }
    await body(done(v1.me.password.$put({ json })))
  },
  sessions: (signal: AbortSignal) => answer(v1.sessions.$get({}, { init: { signal } })),
  endSession: async (id: number): Promise<void> => {
    await body(done(v1.sessions[':id'].$delete({ param: { id: String(id) } })))
  },
  endOtherSessions: () => body(v1.sessions.$delete()),
}

type Reply = Pick<Response, 'ok' | 'status' | 'headers'> & { json(): Promise<unknown> }

/** An answer without a body reads as null. */
export const done = async (asked: Promise<Reply>): Promise<Reply> => {
  const reply = await asked
  return reply.status === 204 ? { ...copied(reply), json: async () => null } : reply
}
const copied = ({ ok, status, headers }: Reply) => ({ ok, status, headers })
