import { randomBytes } from 'node:crypto'
import type Docker from 'dockerode'
import { isStatus, unlessGone } from '../../docker/refusal.ts'

/** Labels of a note; not those by which a sweep finds a run's volumes, for a note has to be read before it is removed. */
const NOTE = {
  runner: 'dev.takt.borrower',
  name: 'dev.takt.borrowed',
  by: 'dev.takt.borrowed-by',
  /** Empty: nothing had the name. */
  before: 'dev.takt.borrowed-from',
} as const

type Borrowed = {
  readonly repository: string
  readonly tag: string
  /** The image that has the name meanwhile. */
  readonly id: string
  /** The image that had it, and gets it back. */
  readonly before: string | null
}
type Borrowing = Omit<Borrowed, 'before'> & { readonly runner: string }

/**
 * Give an image a name at the engine for one push, and give the name back afterwards to what had it.
 *
 * The name is the engine's, so others find what it means meanwhile. A note at the engine, an empty volume, says so beforehand: a
 * runner that is killed underway gives the name back in its next life (`returnNames`).
 */
export async function borrowName(docker: Docker, borrowing: Borrowing): Promise<AsyncDisposable> {
  const { repository, tag, id, runner } = borrowing
  const before = await idOf(docker, `${repository}:${tag}`)
  if (before === id) return { [Symbol.asyncDispose]: async () => {} }
  const note = `takt-name-${randomBytes(6).toString('hex')}`
  await docker.createVolume({
    Name: note,
    Labels: {
      ...{ [NOTE.runner]: runner, [NOTE.name]: `${repository}:${tag}` },
      ...{ [NOTE.by]: id, [NOTE.before]: before ?? '' },
    },
  })
  const giveBack = async () => {
    await returnName(docker, { repository, tag, id, before })
    await docker.getVolume(note).remove().catch(unlessGone)
  }
  try {
    await docker.getImage(id).tag({ repo: repository, tag })
    return { [Symbol.asyncDispose]: giveBack }
  } catch (error) {
    await giveBack()
    throw error
  }
}

/** Give back the names that an earlier life of this runner had borrowed. Not while a push of this life goes on. */
export async function returnNames(docker: Docker, runner: string): Promise<void> {
  const { Volumes } = await docker.listVolumes({ filters: { label: [`${NOTE.runner}=${runner}`] } })
  for (const { Name, Labels } of Volumes ?? []) {
    const name = Labels[NOTE.name] ?? ''
    const colon = name.lastIndexOf(':')
    const [id = '', before = ''] = [Labels[NOTE.by], Labels[NOTE.before]]
    const borrowed = { repository: name.slice(0, colon), tag: name.slice(colon + 1), id }
    await returnName(docker, { ...borrowed, before: before === '' ? null : before })
    await docker.getVolume(Name).remove().catch(unlessGone)
  }
}

/** Only where the name still means what we gave it to: a pull, or another runner, may have given it away since. */
async function returnName(docker: Docker, { repository, tag, id, before }: Borrowed): Promise<void> {
  const name = `${repository}:${tag}`
  if ((await idOf(docker, name)) !== id) return
  if (before !== null && (await tagged(docker, before, { repo: repository, tag }))) return
  await docker.getImage(name).remove({ noprune: true }).catch(unlessGone)
}

/** @returns Whether the image is still there: without a name it is anybody's to remove. */
async function tagged(docker: Docker, id: string, name: { repo: string; tag: string }): Promise<boolean> {
  try {
    await docker.getImage(id).tag(name)
    return true
  } catch (error) {
    if (isStatus(error, 404)) return false
    throw error
  }
}

async function idOf(docker: Docker, name: string): Promise<string | null> {
  try {
    return (await docker.getImage(name).inspect()).Id
  } catch (error) {
    if (isStatus(error, 404)) return null
    throw error
  }
}
