import type { ImageBuildOptions } from 'dockerode'
import { isStatus, wordsOf } from '../../docker/refusal.ts'
import { EngineError, StepFailed } from '../../engine.ts'
import type { Place } from '../../resources.ts'
import type { Machine } from '../program.ts'
import { type Built, MOST_BASES } from '#pipelines/wire/images.ts'
import { type Build, contextOf } from './context.ts'
import { eventsIn } from './progress.ts'
import { roomOf } from './build-room.ts'
import { HUB_HOST } from './repository.ts'
import { type Login, openSession } from './session.ts'
import { Trace } from './trace.ts'

const TRACE = 'moby.buildkit.trace'
/** Whose fault a failed build is, is told by the engine in words only; these are of the machine or the network. */
const MACHINE =
  /dial tcp|i\/o timeout|connection refused|tls handshake|no space left|temporary failure|5\d\d (internal|bad|service|gateway)/i

export type BuildFacts = {
  readonly build: Build
  /** What the image is called at the engine while it is needed. */
  readonly name: string
  readonly login: Login | null
  /** Which builder it is, for people. */
  readonly words: string
}

/**
 * Build an image with one of the engine's own builders, through its API: nothing of the job has to be privileged, and the cache is
 * the engine's. What the build says goes to the step's log.
 *
 * @returns What it was built from, as BuildKit tells it; of a builder without sessions, which tells it in words only, nothing.
 * @throws {StepFailed} When the Dockerfile fails, or asks for what the builder cannot do.
 * @throws {EngineError} When it is the machine's failure.
 */
export async function buildImage(
  machine: Machine,
  { build, name, login, words }: BuildFacts,
  at: Place,
): Promise<Built> {
  const [platform, ...more] = build.platforms
  if (more.length > 0)
    throw new StepFailed(
      1,
      `platforms: this runner's builder (${words}) builds for one platform at a time, and ${build.platforms.join(', ')} are asked for; put each in a job of its own.`,
    )
  await using room = await roomOf(machine, build, at)
  const context = await contextOf(build, at, room.text)
  try {
    using session = room.builder === 'buildkit' ? await openSession(machine.docker, login) : null
    const stream = await machine.docker.buildImage(context, {
      ...optionsOf(build, platform),
      ...room.options,
      t: name,
      abortSignal: at.signal,
      ...(session ? { session: session.id, version: 2 } : { registryconfig: loginsOf(login) }),
    } as ImageBuildOptions)
    const from = await follow(stream, at)
    const told = session ? from.slice(0, MOST_BASES) : null
    return { by: words.slice(0, 200), from: told, leftOff: session ? from.length - (told ?? []).length : 0 }
  } catch (error) {
    at.signal.throwIfAborted()
    if (error instanceof StepFailed || error instanceof EngineError) throw error
    throw asFailure(context.errored ?? error)
  } finally {
    context.destroy()
  }
}

const optionsOf = ({ dockerfile, target, args }: Build, platform: string | undefined) => ({
  dockerfile,
  buildargs: args,
  rm: true,
  forcerm: true,
  ...(target === null ? {} : { target }),
  ...(platform === undefined ? {} : { platform }),
})

/** The older builder is told the one login at once, and shows it to no other host either. */
const loginsOf = (login: Login | null) =>
  login === null ? {} : { [hubOr(login.host)]: { username: login.username, password: login.password } }

/** Docker's own registry has a name of its own among logins. */
const hubOr = (host: string) => (host === HUB_HOST ? 'https://index.docker.io/v1/' : host)

async function follow(stream: NodeJS.ReadableStream, at: Place): Promise<Trace['bases']> {
  const trace = new Trace()
  let done = false
  for await (const { id, stream: text, aux, error } of eventsIn(stream)) {
    if (error !== undefined) throw failed(error)
    if (id === TRACE && typeof aux === 'string') await say(at, trace.read(aux))
    else if (typeof aux === 'object' && aux.ID) done = true
    // It only repeats our own name for the image.
    if (text !== undefined && !text.startsWith('Successfully tagged')) await say(at, Buffer.from(text))
  }
  if (!done)
    throw new EngineError('build_failed', 'Docker ended the build without an image and without a word why.')
  return trace.bases
}

const say = async ({ write }: Place, bytes: Uint8Array) => (bytes.length > 0 ? write(bytes) : undefined)

function asFailure(error: unknown): Error {
  const words = wordsOf(error)
  if (error instanceof StepFailed || error instanceof EngineError) return error
  if (isStatus(error, 400) || /dockerfile/i.test(words)) return failed(words)
  return new EngineError('engine_unavailable', `Docker could not build: ${words}`, { cause: error })
}

function failed(words: string): Error {
  if (MACHINE.test(words)) return new EngineError('build_failed', `The image could not be built: ${words}`)
  const code = Number(/(?:exit code: |returned a non-zero code: )(\d+)/.exec(words)?.[1] ?? 1)
  return new StepFailed(code || 1, `The image could not be built: ${words}`)
}
