import { createHash, randomBytes } from 'node:crypto'
import type { Built } from '#pipelines/wire/images.ts'
import type { Put } from '#pipelines/wire/plan.ts'
import { isStatus, wordsOf } from '../../docker/refusal.ts'
import { EngineError, StepFailed } from '../../engine.ts'
import type { Place } from '../../resources.ts'
import { Locks } from '../../turnstile.ts'
import type { Machine } from '../program.ts'
import { returnNames } from './borrowed-name.ts'
import { buildImage } from './build.ts'
import { pushImage } from './push.ts'
import { expectOwner, fullName, hostOf } from './repository.ts'
import type { Login } from './session.ts'

export type ImagePut = Extract<Put, { kind: 'image' }>

/** Names of images are the engine's: two runs do not give the same one to different images at the same time. */
const locks = new Locks()
const DEFAULT_TAGS = ['latest']

/** Build an image, or take one that the engine has, and push it. What the registry calls it is the version. */
export async function putImage(
  machine: Machine,
  { repository, build, image, tags, credential }: ImagePut,
  at: Place,
): Promise<{ readonly digest: string; readonly tags: readonly string[]; readonly built: Built | null }> {
  expectOwner(repository)
  const login: Login | null = credential && { ...credential, host: hostOf(repository) }
  const words = `Docker ${(await machine.docker.version()).Version}`
  const named = tags.length > 0 ? tags : DEFAULT_TAGS
  const name = build ? `${prefixOf(machine.maker.runner)}${randomBytes(6).toString('hex')}` : null
  try {
    const built = build && name ? await buildImage(machine, { build, name, login, words }, at) : null
    const id = await idOf(machine, name ?? image)
    using _turn = await locks.hold(fullName(repository), at.signal)
    const { runner } = machine.maker
    const digest = await pushImage(machine.docker, { id, repository, tags: named, login, runner }, at)
    return { digest, tags: named, built }
  } finally {
    if (name) await forget(machine, name)
  }
}

async function idOf({ docker }: Machine, image: string | null): Promise<string> {
  if (image === null)
    throw new EngineError('plan_impossible', 'The put names neither what to build nor an image.')
  try {
    return (await docker.getImage(image).inspect()).Id
  } catch (error) {
    if (!isStatus(error, 404)) throw error
    const sentence = `image: the engine of this runner has no \`${image}\`; build it with \`build\`.`
    throw new StepFailed(1, sentence, { cause: error })
  }
}

/** What was built is in the registry, and its layers in the builder's cache. */
async function forget({ docker, log }: Pick<Machine, 'docker' | 'log'>, name: string): Promise<void> {
  await docker
    .getImage(name)
    .remove()
    .catch((error: unknown) => {
      if (isStatus(error, 404)) return // the build failed, and nothing got this name
      log.warn({ image: name, reason: wordsOf(error) }, 'image.left')
    })
}

/** Images have no owner but their name: this runner's begin so. */
export const prefixOf = (runner: string) =>
  `takt-build:${createHash('sha256').update(runner).digest('hex').slice(0, 12)}-`

/** Remove the images that an earlier life of this runner was about to push, and give back the names that it pushed them under. */
export async function sweepImages(machine: Pick<Machine, 'docker' | 'maker' | 'log'>): Promise<void> {
  await returnNames(machine.docker, machine.maker.runner)
  const filters = { reference: [`${prefixOf(machine.maker.runner)}*`] }
  const found = await machine.docker.listImages({ filters })
  for (const name of found.flatMap(({ RepoTags }) => RepoTags ?? []))
    if (name.startsWith(prefixOf(machine.maker.runner))) await forget(machine, name)
}
