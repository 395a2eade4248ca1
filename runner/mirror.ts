import { createHash } from 'node:crypto'
import { access, mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Plan } from '#pipelines/wire/plan.ts'
import { git, GitError } from './git.ts'
import type { GitOptions } from './git.ts'

export type Source = NonNullable<Plan['checkout']>

/** A mirror with more commits than this is begun anew: cheaper, and safer, than to tidy it up while runs read it. */
const MOST_COMMITS = 256

/** Servers that do not hand out a bare commit, or not this one, say it with one of these. */
const REFUSED_SHA =
  /not our ref|unadvertised object|does not allow request|no such remote ref|couldn't find remote ref/i

/** A mirror that nobody has used for so long is removed. */
const UNUSED_MS = 14 * 86_400_000
/** A mirror that is about to be removed, and one that is about to be there. */
const [GONE, HALF] = ['.gone', '.new']

/**
 * The folder of the machine's copy of one repository, as one project may see it. A commit that is here is taken without asking the
 * server; another project, or one that comes without the login, might not get it there.
 *
 * Copies with their past lie apart: a shallow fetch beside them would cut it off.
 */
export function mirrorPath(
  folder: string,
  project: string,
  { url, credential, depth }: Pick<Source, 'url' | 'credential' | 'depth'>,
): string {
  const whose = JSON.stringify([project, url, credential?.username ?? null])
  const name = createHash('sha256').update(whose).digest('hex')
  return join(folder, `${name}${depth === 1 ? '' : '-whole'}.git`)
}

/** Say that the mirror is of use. */
export const noteUse = (mirror: string): Promise<void> => utimes(mirror, new Date(), new Date())

/** Whether nobody has used it for long. */
export const isUnused = (mirror: string, now: number): Promise<boolean> =>
  stat(mirror).then(
    ({ mtimeMs }) => now - mtimeMs > UNUSED_MS,
    () => false, // not there: nothing to remove
  )

/** At once for everybody who looks: half a mirror would pass for a whole one. */
export async function removeMirror(mirror: string): Promise<void> {
  const gone = mirror.endsWith(GONE) ? mirror : `${mirror}${GONE}`
  if (gone !== mirror) {
    await rm(gone, { recursive: true, force: true })
    await rename(mirror, gone).catch(unlessMissing)
  }
  await rm(gone, { recursive: true, force: true })
}

function unlessMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}

/** Whether the commit was fetched, and fetched completely: its ref is written last. */
export const holds = (mirror: string, sha: string): Promise<boolean> =>
  access(join(mirror, 'refs/takt', sha)).then(
    () => true,
    () => false, // not there: it has to be fetched
  )

/** Make sure the mirror is there and not overfull. Only under its lock, and while nobody reads it. */
export async function prepareMirror(mirror: string, sha: string): Promise<void> {
  const commits = await readdir(join(mirror, 'refs/takt')).catch(() => null) // null: there is no mirror yet
  if (commits && commits.length < MOST_COMMITS) return
  await removeMirror(mirror)
  const half = `${mirror}${HALF}`
  await rm(half, { recursive: true, force: true })
  await writeRepository(half, { bare: true, sha })
  await mkdir(join(half, 'refs/takt'))
  await rename(half, mirror)
}

/** What `git init` writes, without the process and the templates. */
export async function writeRepository(
  path: string,
  { bare, sha, remote }: { readonly bare: boolean; readonly sha: string; readonly remote?: string },
): Promise<void> {
  const long = sha.length === 64
  const lines = [
    '[core]',
    `\trepositoryformatversion = ${long ? 1 : 0}`,
    '\tfilemode = true',
    `\tbare = ${bare}`,
    ...(long ? ['[extensions]', '\tobjectformat = sha256'] : []),
    ...(remote
      ? ['[remote "origin"]', `\turl = ${quoted(remote)}`, '\tfetch = +refs/heads/*:refs/remotes/origin/*']
      : []),
  ]
  await mkdir(join(path, 'objects', 'pack'), { recursive: true })
  await mkdir(join(path, 'refs'))
  await Promise.all([
    writeFile(join(path, 'config'), lines.join('\n') + '\n'),
    writeFile(join(path, 'HEAD'), 'ref: refs/heads/main\n'),
  ])
}

/** Fetch the commit alone; where the server insists on names, its ref; where that has moved on, all that led to it. */
export async function fetchCommit(source: Source, options: GitOptions): Promise<void> {
  if (source.depth !== 1) return fetchHistory(source, options)
  const { url, sha, ref } = source
  const fetch = (...rest: string[]) => git(['fetch', '--quiet', '--no-tags', '--force', ...rest], options)
  try {
    return await fetch('--depth=1', '--', url, `${sha}:refs/takt/${sha}`)
  } catch (error) {
    if (!(error instanceof GitError && REFUSED_SHA.test(error.message))) throw error
  }
  await fetch('--depth=1', '--', url, `${ref}:refs/fetched/${sha}`)
  try {
    await git(['update-ref', `refs/takt/${sha}`, sha], options)
  } catch (error) {
    if (!(error instanceof GitError)) throw error // else: the name stands at another commit by now
    await fetch('--depth=2147483647', '--', url, `${ref}:refs/fetched/${sha}`)
    await git(['update-ref', `refs/takt/${sha}`, sha], options)
  }
}

/** Fetch the commit with all that led to it, and the tags, by which tools tell versions. What is here already does not move. */
async function fetchHistory({ url, sha, ref }: Source, options: GitOptions): Promise<void> {
  const fetch = (...refs: string[]) =>
    git(['fetch', '--quiet', '--no-tags', '--force', '--', url, ...refs, '+refs/tags/*:refs/tags/*'], options)
  try {
    return await fetch(`${sha}:refs/takt/${sha}`)
  } catch (error) {
    if (!(error instanceof GitError && REFUSED_SHA.test(error.message))) throw error
  }
  await fetch(`${ref}:refs/fetched/${sha}`)
  await git(['update-ref', `refs/takt/${sha}`, sha], options)
}

const quoted = (text: string) => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
