import type Docker from 'dockerode'
import { wordsOf } from '../../docker/refusal.ts'
import { EngineError, StepFailed } from '../../engine.ts'
import type { Place } from '../../resources.ts'
import { borrowName } from './borrowed-name.ts'
import { eventsIn } from './progress.ts'
import type { Login } from './session.ts'

const REFUSED =
  /unauthorized|denied|authentication required|no basic auth|forbidden|name invalid|invalid reference|not permitted/i
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/

export type PushFacts = {
  /** Of the image at the engine. */
  readonly id: string
  readonly repository: string
  readonly tags: readonly string[]
  readonly login: Login | null
  /** Whose push it is, for its next life. */
  readonly runner: string
}

/**
 * Push one image under each of its tags, as the repository's own name for it: the engine's API knows no other way to say where to.
 *
 * @returns The digest, as the registry answered.
 * @throws {StepFailed} When the registry refuses it.
 * @throws {EngineError} When the registry cannot be reached.
 */
export async function pushImage(
  docker: Docker,
  { id, repository, tags, login, runner }: PushFacts,
  at: Place,
): Promise<string> {
  const wrong = tags.find((tag) => !TAG.test(tag))
  if (wrong !== undefined)
    throw new StepFailed(
      1,
      `tags: \`${wrong}\` is no tag: letters, digits, \`_\`, \`.\` and \`-\`, at most 128, such as \`v1.2\`.`,
    )
  const digests = new Set<string>()
  for (const tag of tags) {
    await using _name = await borrowName(docker, { repository, tag, id, runner })
    digests.add(await pushTag(docker, { name: `${repository}:${tag}`, tag, login }, at))
  }
  const [digest, ...others] = digests
  if (digest !== undefined && others.length === 0) return digest
  throw new EngineError(
    'push_failed',
    `The registry gave ${repository} ${digests.size} digests for one image.`,
  )
}

async function pushTag(
  docker: Docker,
  { name, tag, login }: { readonly name: string; readonly tag: string; readonly login: Login | null },
  at: Place,
): Promise<string> {
  try {
    await at.write(Buffer.from(`Pushing ${name}\n`))
    // Without a login an empty one: an engine takes its absence for a mistake.
    const authconfig = login
      ? { username: login.username, password: login.password, serveraddress: login.host }
      : {}
    const image = docker.getImage(name.slice(0, name.length - tag.length - 1))
    const stream = await image.push({ tag, authconfig, abortSignal: at.signal } as Docker.ImagePushOptions)
    return await follow(stream, at)
  } catch (error) {
    at.signal.throwIfAborted()
    throw asFailure(name, wordsOf(error), error)
  }
}

/** A layer's state is repeated for every few bytes; only a change of it is worth a line. */
async function follow(stream: NodeJS.ReadableStream, at: Place): Promise<string> {
  const states = new Map<string, string>()
  let digest: string | null = null
  for await (const { id = '', status, error, aux } of eventsIn(stream)) {
    if (error !== undefined) throw new Error(error)
    if (typeof aux === 'object' && aux.Digest) digest = aux.Digest
    if (status === undefined || states.get(id) === status) continue
    states.set(id, status)
    await at.write(Buffer.from(id ? `${id}: ${status}\n` : `${status}\n`))
  }
  if (digest) return digest
  throw new Error('the registry named no digest')
}

function asFailure(name: string, words: string, cause: unknown): Error {
  const sentence = `${name} could not be pushed: ${words}`
  return REFUSED.test(words)
    ? new StepFailed(1, `${sentence}. See to the resource's \`login\`.`, { cause })
    : new EngineError('push_failed', sentence, { cause })
}
