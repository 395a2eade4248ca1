import { PutAnswer } from '#pipelines/wire/puts.ts'
import type { PutBody, PutSaid } from '#pipelines/wire/puts.ts'
import { type CallServer, Refusal } from '../call-server.ts'
import { EngineError, StepFailed } from '../engine.ts'
import type { Mask } from '../mask.ts'
import type { Place } from '../resources.ts'

/**
 * Without the secrets of the run, as everybody reads what becomes of it. Where a version holds one there is none: nobody would find
 * it again by three stars. What is kept of a state is for jobs, and hidden where people look at it.
 *
 * @throws {StepFailed}
 */
function hidden(resource: string, said: PutSaid, mask: Mask): PutSaid {
  const hide = (text: string) => mask.text(text)
  switch (said.kind) {
    case 'image': {
      const from =
        said.built?.from?.map((base) => ({ ...base, image: hide(base.image).slice(0, 500) })) ?? null
      return { ...said, built: said.built && { ...said.built, from } }
    }
    case 'git':
      return { ...said, message: hide(said.message), author: hide(said.author) }
    case 'params':
      return { ...said, set: mapped(said.set, hide) }
    case 'custom': {
      const telling = Object.entries(said.version).find(([, value]) => hide(value) !== value)
      if (telling)
        throw new StepFailed(
          1,
          `\`${telling[0]}\` of the version that \`${resource}\` tells holds a secret of the run, and versions are for everybody to read.`,
        )
      return {
        ...said,
        metadata: said.metadata.map(({ name, value }) => ({ name: hide(name), value: hide(value) })),
      }
    }
    case 'semver':
    case 'files':
    case 'state':
      return said
  }
}

const mapped = (set: Readonly<Record<string, string>>, hide: (text: string) => string) =>
  Object.fromEntries(Object.entries(set).map(([key, value]) => [key, hide(value)]))

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
  const told: PutBody = { said: hidden(resource, said, work.mask()), images: [...work.images] }
  try {
    const path = `puts/${encodeURIComponent(resource)}`
    const answer = await call(work, { method: 'POST', path, body: async () => JSON.stringify(told), signal })
    return PutAnswer.parse(await answer.json())
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    if (error.code === 'state-too-large') throw new StepFailed(1, `${error.message}.`)
    const sentence = `The version of \`${resource}\` was not recorded: ${error.message}`
    throw new EngineError('put_refused', sentence, { cause: error })
  }
}
