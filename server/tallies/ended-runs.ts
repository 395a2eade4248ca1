import { sql } from 'kysely'
import type { JobId, ProjectId, RevisionId, RunId } from '#pipelines/ids.ts'
import type { Pipeline } from '#pipelines/language/pipeline.ts'
import { edgesOf } from '#pipelines/plan/edges.ts'
import type { EndedRun, Span } from '#pipelines/tallies/facts-of.ts'
import type { RunState } from '#pipelines/states.ts'
import { definitionIn } from '../catalog/definitions.ts'
import { defaultLane } from '../catalog/queries.ts'
import type { Trx } from '../db/connect.ts'

export type Counted = EndedRun & { readonly project: ProjectId; readonly job: JobId }

type Row = {
  readonly id: RunId
  readonly project: ProjectId
  readonly job: JobId
  readonly job_name: string
  readonly revision: RevisionId
  readonly environment: string | null
  readonly state: RunState
  readonly allowed: boolean
  readonly created: number
  readonly started: number | null
  readonly ended: number
  readonly attempts: readonly [number, number][] | null
  readonly gates: readonly [number, number][] | null
  readonly main: boolean
}

const ms = (time: string) => sql.raw(`extract(epoch from ${time}) * 1000`)

/** What is counted of these runs. A run that is gone by now is not among them. */
export async function endedRuns(db: Trx, runs: readonly RunId[]): Promise<Counted[]> {
  const { rows } = await sql<Row>`
    select runs.id, projects.id as project, runs.job_id as job, jobs.name as job_name, runs.revision_id as revision,
      runs.environment, runs.state, runs.allow_failure as allowed, ${ms('runs.created_at')}::float8 as created,
      ${ms('runs.started_at')}::float8 as started, ${ms('runs.ended_at')}::float8 as ended,
      (select jsonb_agg(jsonb_build_array(${ms('started_at')}, ${ms('ended_at')})) from attempts
        where run_id = runs.id and started_at is not null) as attempts,
      (select jsonb_agg(jsonb_build_array(${ms('opened_at')}, ${ms('closed_at')})) from gates
        where run_id = runs.id and closed_at is not null) as gates,
      lanes.kind = 'push' and lanes.name = ${defaultLane} as main
    from runs join jobs on jobs.id = runs.job_id join lanes on lanes.id = runs.lane_id
    join pipelines on pipelines.id = jobs.pipeline_id join projects on projects.id = pipelines.project_id
    join repositories on repositories.id = projects.repository_id
    where runs.id = any(${[...runs]}::bigint[]) and runs.ended_at is not null`.execute(db)
  const files = new Map<RevisionId, Pipeline | null>()
  for (const { revision } of rows)
    if (!files.has(revision)) files.set(revision, (await definitionIn(db, revision))?.definition ?? null)
  return Promise.all(rows.map((row) => countedOf(db, row, files.get(row.revision) ?? null)))
}

async function countedOf(db: Trx, row: Row, file: Pipeline | null): Promise<Counted> {
  const delivers =
    row.state === 'succeeded' && (row.environment !== null || (row.main && isLast(file, row.job_name)))
  return {
    ...{ project: row.project, job: row.job, state: row.state, isAllowed: row.allowed },
    ...{ createdMs: row.created, startedMs: row.started, endedMs: row.ended },
    ...{ attempts: spans(row.attempts), gates: spans(row.gates), isDeployment: row.environment !== null },
    commitMs: delivers ? await commitMs(db, row.id) : null,
    failingSinceMs: delivers ? await failingSinceMs(db, row.id) : null,
  }
}

const spans = (pairs: Row['gates']): Span[] => (pairs ?? []).map(([fromMs, toMs]) => ({ fromMs, toMs }))

/** Whether the line ends with this job, and deploys nothing: what it turned green is as far as it goes. */
function isLast(file: Pipeline | null, name: string): boolean {
  if (!file || file.jobs.some(({ environment }) => environment !== null)) return false
  const { jobs, startedByEnding, suppliedByEnding } = edgesOf(file)
  const awaiting = [...(startedByEnding.get(name) ?? []), ...(suppliedByEnding.get(name) ?? [])]
  return (
    awaiting.length === 0 &&
    ![...jobs.values()].some(({ producers }) => producers.some(({ job }) => job === name))
  )
}

/**
 * When the newest commit was known that a run had, or that came into what it had. Null where it is not the first of its job to turn
 * it green: what is brought back, or run again, is delivered already. A matrix delivers with its last leg.
 */
async function commitMs(db: Trx, run: RunId): Promise<number | null> {
  const { rows } = await sql<{ at: number }>`
    select ${ms('commit.created_at')}::float8 as at from runs cross join lateral (
      select versions.id, versions.created_at from (
        select version_id from run_inputs where run_id = runs.id
        union
        select origin_id from run_inputs join version_origins using (version_id) where run_id = runs.id
      ) held join versions on versions.id = held.version_id join resources on resources.id = versions.resource_id
      join pipelines on pipelines.id = resources.pipeline_id join projects on projects.id = pipelines.project_id
        and projects.repository_id = resources.repository_id
      order by versions.created_at desc, versions.id desc limit 1
    ) commit
    where runs.id = ${run}
      and not exists (
        select from runs leg where leg.batch_id = runs.batch_id and leg.id <> runs.id
          and (leg.state <> 'succeeded' or (leg.ended_at, leg.id) > (runs.ended_at, runs.id)))
      and not exists (
        select from run_inputs had join runs before on before.id = had.run_id
        where (had.version_id = commit.id
          or had.version_id in (select version_id from version_origins where origin_id = commit.id))
          and before.job_id = runs.job_id and before.state = 'succeeded'
          and before.batch_id is distinct from coalesce(runs.batch_id, 0)
          and (before.ended_at, before.id) < (runs.ended_at, runs.id))`.execute(db)
  return rows[0]?.at ?? null
}

/** When the first run of its job and lane failed since the last one that was green; null where the last one was. */
async function failingSinceMs(db: Trx, run: RunId): Promise<number | null> {
  const { rows } = await sql<{ at: number | null }>`
    select ${ms('min(failed.ended_at)')}::float8 as at from runs join runs failed
      on failed.job_id = runs.job_id and failed.lane_id = runs.lane_id and failed.id < runs.id
      and failed.state = 'failed' and not failed.allow_failure
      and failed.id > coalesce((
        select green.id from runs green where green.job_id = runs.job_id and green.lane_id = runs.lane_id
          and green.id < runs.id and green.state = 'succeeded' order by green.id desc limit 1), 0)
    where runs.id = ${run}`.execute(db)
  return rows[0]?.at ?? null
}
