import { sql } from 'kysely'
import type { PipelineId, ResourceId } from '#pipelines/ids.ts'
import { edgesOf } from '#pipelines/plan/edges.ts'
import { definitionIn } from '../catalog/definitions.ts'
import { openLanes } from '../catalog/queries.ts'
import type { Db, Trx } from '../db/connect.ts'

type Due = {
  readonly resource: ResourceId
  readonly version: string
  readonly name: string
  readonly pipeline: PipelineId
}

/**
 * Folders that were sent and never became a version go. Of versions whose time is over the files go, and the row says that they were
 * there; what an open run takes, or is pinned, stays.
 */
export async function sweepFolders(db: Db, most: number): Promise<void> {
  await sql`delete from folders where archive_id is not null and expires_at < now() and not exists (${versionsOf})`.execute(
    db,
  )
  await db.transaction().execute(async (tx) => {
    const known = new Map<ResourceId, readonly string[]>()
    for (const { resource, version, name, pipeline } of await dueOf(tx, most)) {
      const pins = known.get(resource) ?? (await pinsInFiles(tx, { pipeline, name }))
      known.set(resource, pins)
      const isPinned = pins.some((pin) => pin === version || (pin.length >= 7 && version.startsWith(pin)))
      // What a file pins is looked at again tomorrow, and keeps nothing else from being looked at today.
      const change = isPinned ? sql`expires_at = now() + interval '1 day'` : sql`archive_id = null`
      await sql`update folders set ${change} where resource_id = ${resource} and version = ${version}`.execute(
        tx,
      )
    }
  })
}

const versionsOf = sql`select from versions
  where versions.resource_id = folders.resource_id and versions.body ->> 'folder' = folders.version`

async function dueOf(db: Trx, most: number): Promise<Due[]> {
  const { rows } = await sql<Due>`
    select folders.resource_id as resource, folders.version, resources.name, resources.pipeline_id as pipeline
    from folders join resources on resources.id = folders.resource_id
    where folders.archive_id is not null and folders.expires_at < now() and not exists (
      ${versionsOf} and (
        exists (select from pins where pins.resource_id = versions.resource_id and pins.version_id = versions.id)
        or exists (select from run_inputs join runs on runs.id = run_inputs.run_id
          where run_inputs.version_id = versions.id and runs.state in ('queued', 'running', 'waiting'))))
    order by folders.expires_at limit ${most} for update of folders skip locked`.execute(db)
  return rows
}

/** What the files in force on any lane pin a resource to. */
async function pinsInFiles(
  db: Trx,
  { pipeline, name }: { pipeline: PipelineId; name: string },
): Promise<string[]> {
  const revisions = new Set((await openLanes(db, pipeline)).flatMap((lane) => lane.revision_id ?? []))
  const definitions = await Promise.all([...revisions].map((revision) => definitionIn(db, revision)))
  return definitions.flatMap((each) =>
    [...(each ? edgesOf(each.definition).jobs.values() : [])].flatMap((job) =>
      job.inputs.flatMap((input) => (input.resource === name ? (input.pin ?? []) : [])),
    ),
  )
}
