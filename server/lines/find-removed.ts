import { sql } from 'kysely'
import type { ProjectId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'

export const REMOVABLE = ['pipeline', 'job', 'resource'] as const
export type Removable = (typeof REMOVABLE)[number]

type Row = {
  readonly of: Removable
  readonly pipeline: string
  readonly name: string
  readonly removed_at: Date
  readonly removed_sha: string | null
  readonly deleting: boolean
  /** Of a job: its newest run. */
  readonly run: number | null
  readonly number: number | null
}
const MOST = 500

/** What the default branch's files have no more, the last first: at most 500. */
export async function findRemoved(db: Db, project: ProjectId) {
  const { rows } = await sql<Row>`
    select 'pipeline' as of, pipelines.name as pipeline, pipelines.name, removed_at, removed_sha,
      condemned_at is not null as deleting, null::bigint as run, null::bigint as number
    from pipelines where project_id = ${project} and removed_at is not null
    union all
    select 'job', pipelines.name, jobs.name, jobs.removed_at, jobs.removed_sha, jobs.condemned_at is not null,
      newest.id, newest.number
    from pipelines join jobs on jobs.pipeline_id = pipelines.id
    left join lateral (select id, number from runs where job_id = jobs.id order by id desc limit 1) newest on true
    where project_id = ${project} and jobs.removed_at is not null
    union all
    select 'resource', pipelines.name, resources.name, resources.removed_at, resources.removed_sha,
      resources.condemned_at is not null, null, null
    from pipelines join resources on resources.pipeline_id = pipelines.id
    where project_id = ${project} and resources.removed_at is not null
    order by removed_at desc, of, pipeline, name limit ${MOST}`.execute(db)
  return rows.map(({ removed_at, removed_sha, run, number, ...row }) => ({
    ...row,
    removed_at: removed_at.toISOString(),
    commit: removed_sha,
    newest_run: run !== null && number !== null ? { id: run, number } : null,
  }))
}
