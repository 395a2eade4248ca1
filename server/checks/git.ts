import type { CheckId, RepositoryId } from '#pipelines/ids.ts'
import { ofProject } from '../catalog/queries.ts'
import type { Db } from '../db/connect.ts'
import { transact, type Tx } from '../db/transact.ts'
import { remoteRefs } from '../forges/remote-refs.ts'
import type { Forges } from '../forges/repository.ts'
import type { Claimed } from './due.ts'
import type { Question } from './questions.ts'
import { type RegistryDeps, secretMissing } from './registry.ts'
import { settle } from './settle.ts'
import { hasVersion, type Subject, subjectsOf } from './subjects.ts'

/** A ref of a repository has moved, as if its server had told us. */
export type Moved = {
  readonly repository: RepositoryId
  /** The check that saw it by a login: nobody else may be told what is read there. */
  readonly check: CheckId | null
  readonly deliveryId: string
  readonly ref: string
  readonly before: string | null
  readonly after: string
}
export type GitDeps = {
  readonly db: Db
  readonly forges: Forges
  readonly loginOf: RegistryDeps['loginOf']
  /** Store a delivery of it, in the transaction. */
  readonly deliver: (tx: Tx, moved: Moved) => Promise<void>
}

/** Where each branch was told to point last. */
type Seen = Readonly<Record<string, string>>

/**
 * Where a branch points elsewhere than is known, a delivery says so: from there on it goes the way of every push, with its order and
 * its filters. So a repository that reports its pushes as well is told of twice, and has one version.
 */
export async function checkGit(
  { db, forges, deliver, loginOf }: GitDeps,
  check: Claimed,
  { repository: id, login: name }: Extract<Question, { kind: 'git' }>,
): Promise<void> {
  const login = name ? await loginOf(name) : null
  if (name && !login) return settle(db, check, { error: secretMissing(name) })
  const repository = await db
    .selectFrom('repositories')
    .selectAll()
    .select(ofProject.as('ofProject'))
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  const subjects = await subjectsOf(db, check.id)
  const named = subjects.flatMap(({ branch }) => branch ?? [])
  const { heads, defaultBranch } = await remoteRefs(
    forges,
    { ...repository, login: name && login ? { ...login, of: name } : null },
    [...new Set(named)],
  )
  // What a project is tied to says itself which branch is its default one.
  const main = repository.ofProject ? repository.default_branch : (defaultBranch ?? repository.default_branch)
  const watched = new Set(subjects.map(({ branch }) => `refs/heads/${branch ?? main}`))
  const before = (check.seen ?? {}) as Seen
  await transact(db, async (tx) => {
    if (main !== repository.default_branch)
      await tx.db.updateTable('repositories').set({ default_branch: main }).where('id', '=', id).execute()
    for (const [ref, after] of heads) {
      if (!watched.has(ref)) continue
      const at = subjects.filter(({ branch }) => `refs/heads/${branch ?? main}` === ref)
      const known = await knownAt(tx, id, ref)
      if (known === after && !(await somebodyLacks(tx, at, before[ref] === after))) continue
      if (before[ref] === after && known !== after) continue // told already, and worked on or set aside with its reason
      await deliver(tx, {
        repository: id,
        check: name ? check.id : null,
        deliveryId: `check-${check.lease}-${ref}`.slice(0, 200),
        ref,
        before: known,
        after,
      })
    }
  })
  await settle(db, check, { seen: Object.fromEntries([...heads].filter(([ref]) => watched.has(ref))) })
}

async function knownAt(tx: Tx, repository: RepositoryId, ref: string): Promise<string | null> {
  const row = await tx.db
    .selectFrom('applied_pushes')
    .select('sha')
    .where('repository_id', '=', repository)
    .where('name', '=', ref)
    .executeTakeFirst()
  return row?.sha ?? null
}

/** Whether one of those who ask has no version of a commit that others know: it is told again, once. */
async function somebodyLacks(tx: Tx, subjects: readonly Subject[], wasTold: boolean): Promise<boolean> {
  if (wasTold) return false
  for (const subject of subjects) if (!(await hasVersion(tx.db, subject))) return true
  return false
}
