import { sql, type SelectQueryBuilder } from 'kysely'
import { jsonArrayFrom } from 'kysely/helpers/postgres'
import type { z } from 'zod'
import type { RunId } from '#pipelines/ids.ts'
import { mayIn, seesAll } from '../access/grants.ts'
import type { Db } from '../db/connect.ts'
import type { VersionBody } from '../db/schema.ts'
import { ofAttempt } from './attempt-steps.ts'
import { newestPlaced, type RunFilter } from './newest-placed.ts'
import type { RunSummary } from './shapes.ts'
import { waitsFor } from './waits-for.ts'

type Summary = z.output<typeof RunSummary>

/** Runs with the names of their place: what every list of runs begins with. */
export const placedRuns = (db: Db) =>
  db
    .selectFrom('runs')
    .innerJoin('jobs', 'jobs.id', 'runs.job_id')
    .innerJoin('lanes', 'lanes.id', 'runs.lane_id')
    .innerJoin('pipelines', 'pipelines.id', 'jobs.pipeline_id')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .leftJoin('runners', 'runners.id', 'runs.runner_id')
type Placed = ReturnType<typeof placedRuns>
type PlacedTables =
  Placed extends SelectQueryBuilder<infer DB, infer TB, object> ? { db: DB; tables: TB } : never

/** Whether a run counts as green only because a failure was allowed: its own, or a step's of its newest attempt and of what that goes on from. */
export const isAllowed = sql<boolean>`case runs.state
  when 'failed' then runs.allow_failure
  when 'succeeded' then exists (
    select from steps where steps.allowed and ${ofAttempt('steps', { id: sql.ref('runs.id'), attempt: sql.ref('runs.attempt') })}
  )
  else false end`

/** Runs as lists show them, inputs and all, in one query. */
export const summaries = (runs: SelectQueryBuilder<PlacedTables['db'], PlacedTables['tables'], object>) =>
  runs.select((eb) => [
    'runs.id',
    'projects.name as project',
    'pipelines.name as pipeline',
    'jobs.name as job',
    'lanes.name as lane',
    'runs.number',
    'runs.state',
    'runs.attempt',
    'runs.attempts_most as attempts',
    'runs.again',
    'runs.not_before',
    'runs.allow_failure',
    isAllowed.as('allowed'),
    'runs.runs_on',
    'runs.reason',
    'runs.error',
    'runs.cancel_at',
    'runs.cancel_reason',
    'runs.retry_of',
    'runs.start',
    waitsFor('runs').as('held'),
    'runs.environment',
    'runs.matrix',
    'runs.batch_id as batch',
    'runs.given',
    'runners.name as runner',
    'runners.isolated',
    'runs.created_at',
    'runs.started_at',
    'runs.ended_at',
    jsonArrayFrom(
      eb
        .selectFrom('run_inputs')
        .innerJoin('resources', 'resources.id', 'run_inputs.resource_id')
        .innerJoin('versions', 'versions.id', 'run_inputs.version_id')
        .select((input) => [
          'resources.name as resource',
          'versions.name as version',
          'versions.body',
          sql<number[]>`array(${input
            .selectFrom('run_input_via')
            .select('upstream_id')
            .whereRef('run_input_via.run_id', '=', 'run_inputs.run_id')
            .whereRef('run_input_via.position', '=', 'run_inputs.position')
            .orderBy('upstream_id')})`.as('from_runs'),
        ])
        .whereRef('run_inputs.run_id', '=', 'runs.id')
        .orderBy('run_inputs.position'),
    ).as('inputs'),
    eb
      .selectFrom('run_outputs')
      .innerJoin('resources', 'resources.id', 'run_outputs.resource_id')
      .innerJoin('versions', 'versions.id', 'run_outputs.version_id')
      .select(sql<Record<string, string> | null>`jsonb_object_agg(resources.name, versions.name)`.as('put'))
      .whereRef('run_outputs.run_id', '=', 'runs.id')
      .as('outputs'),
  ])

type SummaryRow = Awaited<ReturnType<ReturnType<typeof summaries>['execute']>>[number]

/** A row in the shape the API speaks. */
export function toSummary(row: SummaryRow): Summary {
  const { cancel_at, cancel_reason, created_at, started_at, ended_at, inputs, outputs, error, ...rest } = row
  return {
    ...rest,
    not_before: row.not_before?.toISOString() ?? null,
    skip: row.state === 'skipped' ? row.reason : null,
    error:
      error ??
      (row.state === 'cancelled' && cancel_reason ? { code: 'cancelled', message: cancel_reason } : null),
    cancel_requested: cancel_at !== null,
    inputs: inputs.map(({ body, from_runs, ...input }) => ({
      ...input,
      ...versionWords(body),
      from_run: from_runs[0] ?? null,
      from_runs,
    })),
    outputs: outputs ?? {},
    created_at: created_at.toISOString(),
    started_at: started_at?.toISOString() ?? null,
    ended_at: ended_at?.toISOString() ?? null,
  }
}

/** These runs, newest first. */
export async function summariesOf(db: Db, ids: readonly RunId[]): Promise<Summary[]> {
  if (ids.length === 0) return []
  const rows = await summaries(placedRuns(db).where('runs.id', 'in', [...ids]))
    .orderBy('runs.id', 'desc')
    .execute()
  return rows.map(toSummary)
}

/** A version in a line: of a commit its subject, its author, the ref it came by. */
export const versionWords = (body: VersionBody) =>
  'fields' in body
    ? { title: null, author: null, ref: null }
    : {
        title: body.message.split('\n', 1)[0] || null,
        author: body.author || null,
        ref: body.ref || null,
      }

/** Runs, newest first. */
export async function listRuns(db: Db, filter: RunFilter): Promise<Summary[]> {
  const { project, pipeline, job, lane, version } = filter
  // Who does not see all is asked for by place: nobody's list is looked through for what few of its runs they see.
  const isPlaced =
    !seesAll(filter.access) || [project, pipeline, job, lane].some((name) => name !== undefined)
  if (isPlaced && version === undefined) return summariesOf(db, await newestPlaced(db, filter))
  let runs = placedRuns(db).where(mayIn(filter.access, 'viewer'))
  if (project !== undefined) runs = runs.where('projects.name', '=', project)
  if (pipeline !== undefined) runs = runs.where('pipelines.name', '=', pipeline)
  if (job !== undefined) runs = runs.where('jobs.name', '=', job)
  if (lane !== undefined) runs = runs.where('lanes.name', '=', lane)
  if (filter.state !== undefined) runs = runs.where('runs.state', '=', filter.state)
  if (filter.before !== undefined) runs = runs.where('runs.id', '<', filter.before)
  if (version !== undefined) runs = runs.where('runs.id', 'in', usesVersion(db, version))
  const rows = await summaries(runs).orderBy('runs.id', 'desc').limit(filter.limit).execute()
  return rows.map(toSummary)
}

const usesVersion = (db: Db, name: string) =>
  db
    .selectFrom('run_inputs')
    .innerJoin('versions', 'versions.id', 'run_inputs.version_id')
    .select('run_inputs.run_id')
    .where('versions.name', '=', name)
