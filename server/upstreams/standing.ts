import { sql } from 'kysely'
import type { Access } from '#pipelines/access/roles.ts'
import type { PipelineId, RunId } from '#pipelines/ids.ts'
import { mayIn } from '../access/grants.ts'
import type { Db } from '../db/connect.ts'
import { followedBy, isOwn, type Upstream } from './follow-jobs.ts'

/** A resource that follows a job, as people see it. */
export type UpstreamStanding = {
  readonly project: string
  readonly pipeline: string
  readonly job: string
  readonly lanes: readonly string[]
  /** Whether who asks may look at it. */
  readonly visible: boolean
  /** Why nothing can come of it, in words; null where something can. */
  readonly problem: string | null
  /** The newest end that was heard, where it became no version. */
  readonly refused: { readonly run: RunId; readonly reason: string; readonly at: string } | null
}

type At = { readonly id: PipelineId; readonly name: string; readonly project: string }
type Row = {
  readonly same: boolean
  readonly visible: boolean
  readonly pipeline: string | null
  readonly pipeline_removed: Date | null
  readonly job: string | null
  readonly job_removed: Date | null
}

export async function upstreamStanding(
  db: Db,
  resource: Upstream,
  { at, access }: { readonly at: At; readonly access: Access },
): Promise<UpstreamStanding> {
  const named = followedBy(resource, at.project)
  const { rows } = await sql<Row>`
    select projects.organization_id = own.organization_id as same, ${mayIn(access, 'viewer')} as visible,
      pipelines.name as pipeline, pipelines.removed_at as pipeline_removed, jobs.name as job, jobs.removed_at as job_removed
    from projects join projects own on own.name = ${at.project}
    left join pipelines on pipelines.project_id = projects.id and pipelines.name = ${named.pipeline}
    left join jobs on jobs.pipeline_id = pipelines.id and jobs.name = ${named.job}
    where projects.name = ${named.project}`.execute(db)
  const [row] = rows
  return {
    ...named,
    visible: row?.visible === true && row.pipeline !== null,
    problem: isOwn(resource, { project: at.project, pipeline: at.name })
      ? 'this is the pipeline itself: its own jobs are named with `needs`'
      : problemOf(row, named),
    refused: await refusedAt(db, at.id, resource.name),
  }
}

/** What another organization has is not there for this one. */
function problemOf(row: Row | undefined, named: ReturnType<typeof followedBy>): string | null {
  const { project, pipeline, job } = named
  if (!row?.same) return `there is no project \`${project}\` in this organization`
  if (row.pipeline === null) return `${project} has no pipeline \`${pipeline}\`: nothing was pushed of it yet`
  if (row.pipeline_removed) return `the file of ${project}/${pipeline} is gone from its default branch`
  if (row.job === null) return `${project}/${pipeline} has no job \`${job}\``
  if (row.job_removed) return `${project}/${pipeline} has no job \`${job}\` any more`
  return null
}

async function refusedAt(
  db: Db,
  pipeline: PipelineId,
  resource: string,
): Promise<UpstreamStanding['refused']> {
  const row = await db
    .selectFrom('heard_ends')
    .innerJoin('resources', 'resources.id', 'heard_ends.resource_id')
    .select(['ended_id', 'reason', 'at'])
    .where('resources.pipeline_id', '=', pipeline)
    .where('resources.name', '=', resource)
    .orderBy('at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row && row.reason !== null
    ? { run: row.ended_id, reason: row.reason, at: row.at.toISOString() }
    : null
}
