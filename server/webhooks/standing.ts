import { sql } from 'kysely'
import type { DeliveryId, RepositoryId } from '#pipelines/ids.ts'
import { laneOf } from '#pipelines/plan/lanes.ts'
import { defaultLane } from '../catalog/queries.ts'
import type { Db, Trx } from '../db/connect.ts'
import { LOCKS } from '../db/locks.ts'
import type { Push } from './payloads.ts'

type Told = { readonly id: DeliveryId; readonly push: Push }
type Of = { readonly id: RepositoryId; readonly default_branch: string }

/**
 * What is known of a ref when a push of it is looked at. It is read before the commit is, and once more where all is locked: what
 * was decided by it counts only while it is the same.
 */
export type Standing = {
  /** Where the ref pointed by the last push that was made something of; `sha` is null where it was gone. */
  readonly last: { readonly sha: string | null; readonly overtakes: boolean } | null
  /** Some push is on record that began at the commit which this one brings. */
  readonly wentOn: boolean
  /** The newest versions that the ref brought to the lanes of all who watch it, the one recorded last first. */
  readonly newest: readonly string[]
  /** Of another ref than the repository's default branch: where that one points. */
  readonly main: string | null
  /** Pipelines watch the repository, or a branch of it, from outside: by files that this push does not bring. */
  readonly watched: boolean
}

export async function standingOf(db: Db | Trx, repository: Of, told: Told): Promise<Standing> {
  const { ref, after } = told.push
  const applied = await appliedTo(db, repository, ref)
  const main = `refs/heads/${repository.default_branch}`
  return {
    last: applied ? { sha: applied.sha, overtakes: applied.delivery_id > told.id } : null,
    wentOn: after !== null && (await wentOnFrom(db, repository, { ref, after })),
    newest: await newestOf(db, repository, ref),
    main: ref === main ? null : ((await appliedTo(db, repository, main))?.sha ?? null),
    watched: await isWatched(db, repository),
  }
}

const appliedTo = (db: Db | Trx, repository: Of, ref: string) =>
  db
    .selectFrom('applied_pushes')
    .select(['sha', 'delivery_id'])
    .where('repository_id', '=', repository.id)
    .where('name', '=', ref)
    .executeTakeFirst()

/** Whether a push of this ref is on record that began at the commit which this one brings. */
async function wentOnFrom(
  db: Db | Trx,
  repository: Of,
  { ref, after }: { ref: string; after: string },
): Promise<boolean> {
  const found = await db
    .selectFrom('versions')
    .innerJoin('resources', 'resources.id', 'versions.resource_id')
    .select('versions.id')
    .where('resources.repository_id', '=', repository.id)
    .where(sql`versions.body ->> 'before'`, '=', after)
    .where(sql`versions.body ->> 'ref'`, '=', ref)
    .limit(1)
    .executeTakeFirst()
  return found !== undefined
}

/** One index probe for each resource and lane that the ref's commits go to. */
async function newestOf(db: Db | Trx, { id }: Of, ref: string): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select newest.name from resources
    join pipelines on pipelines.id = resources.pipeline_id
    join projects on projects.id = pipelines.project_id
    join repositories on repositories.id = projects.repository_id
    join lanes on lanes.pipeline_id = pipelines.id and lanes.name in (${laneOf(ref)}, ${defaultLane})
    cross join lateral (
      select versions.id, versions.name, versions.body ->> 'ref' as ref from versions
      where versions.resource_id = resources.id and versions.lane_id = lanes.id and versions.left_at is null
      order by versions.seq desc limit 1
    ) as newest
    where resources.repository_id = ${id} and newest.ref = ${ref}
    order by newest.id desc`.execute(db)
  return [...new Set(rows.map((row) => row.name))]
}

async function isWatched(db: Db | Trx, { id }: Of): Promise<boolean> {
  const found = await db
    .selectFrom('resources')
    .innerJoin('pipelines', 'pipelines.id', 'resources.pipeline_id')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .select('resources.id')
    .where('resources.repository_id', '=', id)
    .where((eb) => eb.or([eb('projects.repository_id', '<>', id), eb('resources.branch', 'is not', null)]))
    .limit(1)
    .executeTakeFirst()
  return found !== undefined
}

/** Whoever applies pushes of a repository does so alone, from here to the end of the transaction. */
export const lockRepository = (db: Trx, { id }: Of) =>
  sql`select pg_advisory_xact_lock(${LOCKS.repository}, ${id}::int)`.execute(db)

/** The ref points there now, and this delivery said so. */
export async function noteApplied(db: Trx, repository: Of, { ref, sha, id }: Applied): Promise<void> {
  await db
    .insertInto('applied_pushes')
    .values({ repository_id: repository.id, name: ref, sha, delivery_id: id })
    .onConflict((oc) =>
      oc.columns(['repository_id', 'name']).doUpdateSet({
        sha,
        delivery_id: sql<DeliveryId>`greatest(applied_pushes.delivery_id, excluded.delivery_id)`,
      }),
    )
    .execute()
}
type Applied = { readonly ref: string; readonly sha: string | null; readonly id: DeliveryId }
