import { PutAnswer } from '#pipelines/wire/puts.ts'
import type { PutBody, PutSaid } from '#pipelines/wire/puts.ts'
import { type CallServer, Refusal } from '../call-server.ts'
import { EngineError, StepFailed } from '../engine.ts'
import type { Place } from '../resources.ts'

/**
 * Say what was put; the server makes the version of it. Said again while the server is away: there it is put once.
 *
 * @throws {EngineError} `put_refused`, in the server's words; `server_unavailable`.
 * @throws {StepFailed} Where it is more than the project may remember.
 */
export async function recordPut(
  call: CallServer,
  { resource, said }: { readonly resource: string; readonly said: PutSaid },
  { work, signal }: Pick<Place, 'work' | 'signal'>,
): Promise<PutAnswer> {
  try {
    const path = `puts/${encodeURIComponent(resource)}`
    const told: PutBody = { said, images: [...work.images] }
    const answer = await call(work, { method: 'POST', path, body: async () => JSON.stringify(told), signal })
    return PutAnswer.parse(await answer.json())
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    if (error.code === 'state-too-large') throw new StepFailed(1, `${error.message}.`)
    const sentence = `The version of \`${resource}\` was not recorded: ${error.message}`
    throw new EngineError('put_refused', sentence, { cause: error })
  }
}
