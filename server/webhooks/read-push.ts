import { type Parsed, parseForRunning } from '#pipelines/language/parse.ts'
import { templatesUsed } from '#pipelines/language/templates.ts'
import { asksForPaths, laneKindOf } from '#pipelines/plan/lanes.ts'
import { isHead, type Kinship, type Position, positionOf } from '#pipelines/plan/order.ts'
import { changedPaths } from '../forges/changed-paths.ts'
import { between, forkPoint, kinshipOf, onTheWay } from '../forges/history.ts'
import { remoteRefs } from '../forges/remote-refs.ts'
import { type Forges, type Opened, openRepository, readAt, type Repository } from '../forges/repository.ts'
import { readTemplates } from '../forges/templates.ts'
import type { Push } from './payloads.ts'
import type { Standing } from './standing.ts'

export type FileRead = {
  readonly name: string
  readonly path: string
  readonly text: string
  readonly parsed: Parsed
}
export type Paths = readonly string[] | null

/** A pushed commit, its pipeline files, and how it stands to what was known. */
export type Reading = {
  readonly sha: string
  readonly author: string
  readonly message: string
  readonly files: readonly FileRead[]
  readonly position: Position
  /** The commits that the ref leads to no more. */
  readonly behind: readonly string[]
  /** Told late: the commits between it and where the ref points now. */
  readonly onTheWay: readonly string[]
  /** The paths that differ between a version and this commit, by the version's name; those of the push itself by null. */
  readonly changed: ReadonlyMap<string | null, Paths>
}

export type ToBeRead = { readonly push: Push & { readonly after: string }; readonly standing: Standing }

/**
 * Read what a push brings, wherever its repository is.
 *
 * @throws {GitError} When the commit cannot be had.
 */
export async function readPush(
  forges: Forges,
  repository: Repository,
  { push, standing }: ToBeRead,
): Promise<Reading> {
  const opened = await openRepository(forges, repository)
  const { sha, commit, files: texts } = await readAt(opened, push.after)
  const known = standing.last?.sha ?? standing.newest[0] ?? null
  const baseSha = async () => push.pull?.baseSha ?? (await baseNow(forges, repository, push))
  const found: Found = { opened, push, standing, known, sha, parents: commit.parents, baseSha }
  const position = await place(found)
  const templates = await readTemplates(
    forges,
    opened,
    texts.flatMap((file) => templatesUsed(file.text)),
  )
  const files = texts.map((file) => ({ ...file, parsed: parseForRunning(file.text, templates) }))
  const asked =
    standing.watched || files.some(({ parsed: { pipeline } }) => !pipeline || asksForPaths(pipeline))
  return {
    sha,
    author: commit.author,
    message: commit.message,
    files,
    position,
    behind: known && isHead(position) ? await leftBehind(opened, position, { from: sha, to: known }) : [],
    onTheWay: known && position === 'late' ? await onTheWay(opened, { from: sha, to: known }) : [],
    changed: await changes(found, isHead(position) ? standing.newest : [], asked ? 'needed' : 'none'),
  }
}

type Found = {
  readonly opened: Opened
  readonly push: Push
  readonly standing: Standing
  /** The commit to compare with. */
  readonly known: string | null
  readonly sha: string
  readonly parents: readonly string[]
  /** Where a pull request's base points. */
  readonly baseSha: () => Promise<string | null>
}

async function place(found: Found): Promise<Position> {
  const { push, standing, known } = found
  return positionOf({
    before: push.before,
    head: standing.last?.sha ?? null,
    overtaken: standing.last?.overtakes ?? false,
    wentOn: standing.wentOn,
    kinship: known === null ? null : await kinship(found, known),
  })
}

/** In the plain case the push says it all: it goes on from the commit that is known, as its parent or by the sender's word. */
async function kinship({ opened, push, sha, parents }: Found, known: string): Promise<Kinship> {
  if (parents.includes(known) || (push.before === known && push.forced === false)) return 'continues'
  return kinshipOf(opened, { known, commit: sha })
}

async function leftBehind(opened: Opened, position: Position, range: { from: string; to: string }) {
  if (position !== 'back' && position !== 'forced') return []
  return between(opened, range)
}

/** Of a tag it is not known what it changes. Of a pull request it is all that it would bring. */
async function changes(
  found: Found,
  versions: readonly string[],
  fetch: 'needed' | 'none',
): Promise<ReadonlyMap<string | null, Paths>> {
  const { opened, sha: to, push } = found
  const kind = laneKindOf(push.ref)
  if (kind === 'tag') return new Map()
  const base = await baseOf(found, fetch)
  const own = base === undefined ? null : await changedPaths(opened, { from: base, to }, fetch)
  const byBase = new Map<string | null, Paths>([[null, own]])
  for (const from of versions) {
    const same = kind === 'pull_request' || from === base
    byBase.set(from, same ? own : await changedPaths(opened, { from, to }, fetch))
  }
  return byBase
}

/**
 * What a push's own changes are counted from: of a branch without a version where it parted from the default branch, else where
 * the push began. Null for a first commit, undefined where it is not known.
 */
async function baseOf(
  { opened, push, standing, sha, parents, baseSha }: Found,
  fetch: 'needed' | 'none',
): Promise<string | null | undefined> {
  const far = fetch === 'needed' || !opened.remote
  if (push.pull) {
    const base = far ? await baseSha() : null
    return base === null ? undefined : ((await forkPoint(opened, [base, sha])) ?? undefined)
  }
  const { main, newest } = standing
  const fork = main !== null && newest.length === 0 && far ? await forkPoint(opened, [main, sha]) : null
  return fork ?? push.before ?? parents[0] ?? null
}

/** Some forges name the branch that a request wants to go to, and not where it points: that is asked of the git server. */
async function baseNow(forges: Forges, repository: Repository, { pull }: Push): Promise<string | null> {
  if (!pull || repository.kind === 'hosted') return null
  const { heads } = await remoteRefs(forges, repository, [pull.base])
  return heads.get(`refs/heads/${pull.base}`) ?? null
}
