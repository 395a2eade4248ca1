import { sql } from 'kysely'
import type { z } from 'zod'
import type { Db } from '../db/connect.ts'
import type { Runner, RunnerEvent, RunnerState } from './shapes.ts'

type Row = Omit<z.output<typeof Runner>, 'state' | 'seen_at' | 'mode_at' | 'trouble_at' | 'busy'> & {
  readonly seen_at: Date
  readonly mode_at: Date | null
  readonly trouble_at: Date | null
}

/** Runners that are here or were within a day, by name, with what they carry out. */
export async function listRunners(db: Db, name?: string): Promise<z.output<typeof Runner>[]> {
  const { rows } = await sql<Row>`
    select runners.id, runners.name, engine, isolated, words, version, slots, slots_least, slots_most, labels,
      connection is not null and present_until > now() as connected,
      mode, mode_reason, users.name as mode_by, mode_at, trouble, trouble_at, seen_at,
      coalesce((
        select json_agg(json_build_object('id', runs.id, 'project', projects.name, 'pipeline', pipelines.name,
          'job', jobs.name, 'lane', lanes.name, 'number', runs.number, 'attempt', runs.attempt,
          'started_at', to_char(runs.started_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) order by runs.id)
        from runs join jobs on jobs.id = runs.job_id join lanes on lanes.id = runs.lane_id
        join pipelines on pipelines.id = jobs.pipeline_id join projects on projects.id = pipelines.project_id
        where runs.runner_id = runners.id and runs.state = 'running'
      ), '[]') as runs
    from runners left join users on users.id = runners.mode_by
    where ${name === undefined ? sql`seen_at > now() - interval '1 day'` : sql`runners.name = ${name}`}
    order by runners.name`.execute(db)
  return rows.map(({ seen_at, mode_at, trouble_at, ...row }) => ({
    ...row,
    busy: row.runs.length,
    state: stateOf(row),
    seen_at: seen_at.toISOString(),
    mode_at: mode_at?.toISOString() ?? null,
    trouble_at: trouble_at?.toISOString() ?? null,
  }))
}

/** One word for a runner: what keeps it from taking work comes first. */
function stateOf({
  connected,
  mode,
  trouble,
  runs,
}: Pick<Row, 'connected' | 'mode' | 'trouble' | 'runs'>): RunnerState {
  if (!connected) return 'away'
  if (mode === 'draining') return runs.length === 0 ? 'drained' : 'draining'
  if (mode === 'paused') return 'paused'
  if (trouble !== null) return 'degraded'
  return runs.length === 0 ? 'idle' : 'busy'
}

type Page = { readonly before: number | undefined; readonly limit: number }

/** What has happened to a runner, newest first. */
export async function runnerEvents(
  db: Db,
  name: string,
  { before, limit }: Page,
): Promise<z.output<typeof RunnerEvent>[]> {
  let events = db
    .selectFrom('runner_events')
    .innerJoin('runners', 'runners.id', 'runner_events.runner_id')
    .leftJoin('users', 'users.id', 'runner_events.by_id')
    .select([
      'runner_events.id',
      'runner_events.kind',
      'runner_events.words',
      'runner_events.slots',
      'users.name as by',
      'runner_events.at',
    ])
    .where('runners.name', '=', name)
  if (before !== undefined) events = events.where('runner_events.id', '<', before)
  const rows = await events.orderBy('runner_events.id', 'desc').limit(limit).execute()
  return rows.map(({ at, ...row }) => ({ ...row, at: at.toISOString() }))
}
