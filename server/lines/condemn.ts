import { sql } from 'kysely'
import type { ProjectId } from '#pipelines/ids.ts'
import { audited } from '../audit/on-record.ts'
import type { Db, Trx } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { Problem } from '../problem.ts'
import type { Removable } from './find-removed.ts'

export type Wanted = {
  readonly of: Removable
  readonly pipeline: string
  /** Of a pipeline its own name. */
  readonly name: string
  /** The name once more, as the person typed it. */
  readonly confirm: string
}

/**
 * A person wants the history of something deleted that no file has any more. It is gone bit by bit, from now on, whatever becomes of
 * this server.
 *
 * @throws {Problem} `wrong-confirmation`, `job-not-found`, `pipeline-not-found`, `resource-not-found`, `not-removed` or `in-use`.
 */
export async function condemn(
  db: Db,
  project: { readonly id: ProjectId; readonly name: string },
  wanted: Wanted,
): Promise<void> {
  const { of, pipeline, name, confirm } = wanted
  if (confirm !== name)
    throw new Problem(
      'wrong-confirmation',
      `\`${confirm}\` was typed; to delete it for good type \`${name}\``,
    )
  await transact(db, async (tx) => {
    const row = await theRow(tx.db, project.id, wanted)
    if (!row)
      throw new Problem(`${of}-not-found`, `there is no ${of} \`${name}\` in ${project.name}/${pipeline}`)
    if (row.removed_at === null)
      throw new Problem(
        'not-removed',
        `the file on the default branch has ${of} \`${name}\`: commit it without`,
      )
    const lane = await laneWith(tx.db, row.id, wanted)
    if (lane) throw new Problem('not-removed', `the file on \`${lane}\` still has ${of} \`${name}\``)
    if (await isBusy(tx.db, row.id, of))
      throw new Problem('not-removed', `a run of ${of} \`${name}\` has not ended: wait for it, or cancel it`)
    await sql`update ${sql.table(`${of}s`)} set condemned_at = now() where id = ${row.id}`.execute(tx.db)
    audited({ before: { of, pipeline, name, removed_at: row.removed_at.toISOString() }, after: null })
    tx.emit({ kind: 'pause.changed', project: project.name, pipeline })
  })
}

async function theRow(db: Trx, project: ProjectId, { of, pipeline, name }: Wanted) {
  const ofProject = sql`(select id from pipelines where project_id = ${project} and name = ${pipeline})`
  const where =
    of === 'pipeline'
      ? sql`it.id = ${ofProject} and it.name = ${name}`
      : sql`it.pipeline_id = ${ofProject} and it.name = ${name}`
  const { rows } = await sql<{ id: number; removed_at: Date | null }>`
    select it.id, it.removed_at from ${sql.table(`${of}s`)} it where ${where} for no key update`.execute(db)
  return rows[0]
}

/** An open lane whose file in force has it; a pipeline’s is any file. */
async function laneWith(db: Trx, id: number, { of, name }: Wanted): Promise<string | null> {
  const its =
    of === 'pipeline'
      ? sql`lanes.pipeline_id = ${id}`
      : sql`lanes.pipeline_id = (select pipeline_id from ${sql.table(`${of}s`)} where id = ${id})
          and revisions.definition -> ${sql.lit(`${of}s`)} @> ${JSON.stringify([{ name }])}::jsonb`
  const { rows } = await sql<{ name: string }>`
    select lanes.name from lanes join revisions on revisions.id = lanes.revision_id
    where lanes.closed_at is null and ${its} order by lanes.id limit 1`.execute(db)
  return rows[0]?.name ?? null
}

async function isBusy(db: Trx, id: number, of: Removable): Promise<boolean> {
  if (of === 'resource') return false
  const its = of === 'job' ? sql`runs.job_id = ${id}` : sql`jobs.pipeline_id = ${id}`
  const { rows } = await sql<{ busy: boolean }>`
    select exists (select from runs join jobs on jobs.id = runs.job_id
      where ${its} and runs.state in ('queued', 'running', 'waiting')) as busy`.execute(db)
  return rows[0]?.busy ?? false
}
