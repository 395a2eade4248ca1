import { sql } from 'kysely'
import type { ArchiveId, ResourceId } from '#pipelines/ids.ts'
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

/** The folder of a version. The same files are the same version: what was there already stays. */
export async function keepFolder(
  db: Trx,
  { resource, version, archive }: { resource: ResourceId; version: string; archive: ArchiveId },
): Promise<void> {
  await db
    .insertInto('folders')
    .values({ resource_id: resource, version, archive_id: archive })
    .onConflict((already) => already.doNothing())
    .execute()
}

/**
 * Where the folder of a version lies that the run takes.
 *
 * @throws {Problem} `files-not-found` where the version is none of its inputs, or has no folder.
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
    .innerJoin('archives', 'archives.id', 'folders.archive_id')
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
  if (row) return row.key
  const words = JSON.stringify(`${at.resource} ${at.version}`.slice(0, 200))
  throw new Problem('files-not-found', `run ${run.id} takes no files of the version ${words}`)
}
