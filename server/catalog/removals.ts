import { sql } from 'kysely'
import type { PipelineId, ProjectId } from '#pipelines/ids.ts'
import type { Pipeline } from '#pipelines/language/pipeline.ts'
import type { Trx } from '../db/connect.ts'
import type { Tx } from '../db/transact.ts'

type Synced = {
  readonly pipeline: PipelineId
  /** The file that was in force on the default branch until now; null where none was. */
  readonly before: Pipeline | null
  readonly now: Pipeline
  readonly sha: string
}

/**
 * The default branch has another file: what it has no more is removed, and keeps its history; what it has again is back with it.
 *
 * @returns Both in words; none where nothing of that happened.
 */
export async function noteRemovals(db: Trx, { pipeline, before, now, sha }: Synced): Promise<string[]> {
  await sql`update pipelines set removed_at = null, removed_sha = null where id = ${pipeline} and removed_at is not null`.execute(
    db,
  )
  const words: string[] = []
  for (const kind of ['jobs', 'resources'] as const) {
    const names = now[kind].map(({ name }) => name)
    const had = before?.[kind].map(({ name }) => name) ?? []
    const back = await db
      .updateTable(kind)
      .set({ removed_at: null, removed_sha: null })
      .where('pipeline_id', '=', pipeline)
      .where('removed_at', 'is not', null)
      .where('name', '=', sql<string>`any(${names}::text[])`)
      .returning('name')
      .execute()
    const gone = await db
      .updateTable(kind)
      .set({ removed_at: sql<Date>`now()`, removed_sha: sha })
      .where('pipeline_id', '=', pipeline)
      .where('removed_at', 'is', null)
      .where('name', '=', sql<string>`any(${had}::text[])`)
      .where('name', '<>', sql<string>`all(${names}::text[])`)
      .returning('name')
      .execute()
    const named = kind === 'jobs' ? 'job' : 'resource'
    words.push(...back.map(({ name }) => `${named} ${name} is back, with its history`))
    words.push(...gone.map(({ name }) => `${named} ${name} is removed, its history stays`))
  }
  return words
}

type Without = {
  readonly id: ProjectId
  readonly project: string
  readonly lane: string
  readonly isDefault: boolean
  /** The pipelines that the commit has a file of. */
  readonly files: readonly string[]
  readonly sha: string
}

/**
 * A commit has no file of a pipeline any more: nothing is planned on its lane, and on the default branch the pipeline is removed. What
 * is queued or runs goes its way, and its history stays.
 *
 * @returns The pipelines.
 */
export async function removePipelines(tx: Tx, { id, project, lane, isDefault, files, sha }: Without) {
  const { rows } = await sql<{ id: PipelineId; name: string }>`
    update lanes set revision_id = null from pipelines
    where pipelines.id = lanes.pipeline_id and pipelines.project_id = ${id} and lanes.name = ${lane}
      and lanes.revision_id is not null and pipelines.name <> all(${files}::text[])
    returning pipelines.id, pipelines.name`.execute(tx.db)
  for (const { id: pipeline, name } of rows) {
    if (isDefault)
      await tx.db
        .updateTable('pipelines')
        .set({ removed_at: sql<Date>`coalesce(removed_at, now())`, removed_sha: sha })
        .where('id', '=', pipeline)
        .execute()
    tx.emit({ kind: 'pause.changed', project, pipeline: name })
  }
  return rows
}
