import { sql } from 'kysely'
import type { ArchiveId, ResourceId, VersionId } from '#pipelines/ids.ts'
import { putsOf } from '#pipelines/plan/edges.ts'
import { definitionIn } from '../catalog/definitions.ts'
import type { Db, Trx } from '../db/connect.ts'
import { Problem } from '../problem.ts'
import type { HeldRun } from '../runs/lease-holder.ts'

/**
 * The resource of files or of state that the run's job puts.
 *
 * @throws {Problem} `resource-not-found` where its job puts no such resource.
 */
export async function putFolderOf(db: Db, run: HeldRun, name: string): Promise<ResourceId> {
  const revision = await definitionIn(db, run.revision_id)
  const job = revision?.definition.jobs.find((each) => each.name === run.job)
  const puts = job ? putsOf(job) : []
  const row = await db
    .selectFrom('resources')
    .select('id')
    .where('pipeline_id', '=', run.pipeline_id)
    .where('name', '=', name)
    .where('kind', 'in', ['files', 'state'])
    .executeTakeFirst()
  if (!row || !puts.includes(name))
    throw new Problem(
      'resource-not-found',
      `the job \`${run.job}\` puts no files into \`${name.slice(0, 100)}\``,
    )
  return row.id
}

/** Sent, and no version yet: a day is time enough for that. */
const IN_A_DAY = sql<Date>`now() + interval '1 day'`

/** The folder of a version. The same files are the same version: what is there already stays, and what had expired is there again. */
export async function keepFolder(
  db: Trx,
  { resource, version, archive }: { resource: ResourceId; version: string; archive: ArchiveId },
): Promise<void> {
  await db
    .insertInto('folders')
    .values({ resource_id: resource, version, archive_id: archive, expires_at: IN_A_DAY })
    .onConflict((already) =>
      already.columns(['resource_id', 'version']).doUpdateSet({
        archive_id: sql<ArchiveId>`coalesce(folders.archive_id, excluded.archive_id)`,
        // Null is for ever, and stays so.
        expires_at: sql<Date>`case when folders.expires_at is not null
          then greatest(folders.expires_at, excluded.expires_at) end`,
      }),
    )
    .execute()
}

/** How long the versions of a resource are kept, and how many of a lane; null: without a bound. */
type Keeping = { readonly keepMs: number | null; readonly runs: number | null }

/** The folder of a version that was just put has its time from now on; of each lane the oldest ones' time is over. */
export async function keepVersion(db: Trx, id: VersionId, { keepMs, runs }: Keeping): Promise<void> {
  const { rows } = await sql<{ resource: ResourceId }>`
    update folders set expires_at = now() + ${keepMs}::bigint * interval '1 millisecond'
    from versions where versions.id = ${id} and folders.resource_id = versions.resource_id
      and folders.version = versions.body ->> 'folder'
    returning folders.resource_id as resource`.execute(db)
  const resource = rows[0]?.resource
  if (resource === undefined || runs === null) return
  // Those that were put last are the newest, also where they were put before; what has expired is counted no more.
  await sql`
    with placed as (
      select folders.version, row_number() over (partition by versions.lane_id order by put.run desc nulls last) as place
      from folders join versions on versions.resource_id = folders.resource_id and versions.body ->> 'folder' = folders.version
      cross join lateral (select max(run_id) as run from run_outputs where version_id = versions.id) as put
      where folders.resource_id = ${resource} and folders.archive_id is not null
        and (folders.expires_at is null or folders.expires_at > now())
    )
    update folders set expires_at = now() where resource_id = ${resource}
      and version in (select version from placed group by version having min(place) > ${runs})`.execute(db)
}

/**
 * Where the folder of a version lies that the run takes.
 *
 * @throws {Problem} `files-not-found` where the version is none of its inputs, or has no folder; `files-expired`.
 */
export async function folderFor(
  db: Db,
  run: HeldRun,
  at: { resource: string; version: string },
): Promise<string> {
  const row = await db
    .selectFrom('run_inputs')
    .innerJoin('versions', 'versions.id', 'run_inputs.version_id')
    .innerJoin('resources', 'resources.id', 'run_inputs.resource_id')
    .innerJoin('folders', 'folders.resource_id', 'resources.id')
    .leftJoin('archives', 'archives.id', 'folders.archive_id')
    .select('archives.key')
    .where('run_inputs.run_id', '=', run.id)
    .where('resources.name', '=', at.resource)
    .where('folders.version', '=', at.version)
    // A version of files is called as its folder is; one of state is counted, and says which folder it has.
    .where((each) =>
      each.or([
        each('versions.name', '=', at.version),
        each(sql<string>`versions.body->>'folder'`, '=', at.version),
      ]),
    )
    .executeTakeFirst()
  if (row?.key) return row.key
  const words = JSON.stringify(`${at.resource} ${at.version}`.slice(0, 200))
  if (row)
    throw new Problem(
      'files-expired',
      `the files of the version ${words} have expired; put them again, or keep versions longer with \`files: { keep: … }\``,
    )
  throw new Problem('files-not-found', `run ${run.id} takes no files of the version ${words}`)
}
