import { sql } from 'kysely'
import type { z } from 'zod'
import type { RunId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import { warningsOf } from '../policies/note-warning.ts'
import { ofAttempt } from './attempt-steps.ts'
import { placedRuns, summaries, toSummary } from './queries.ts'
import { ranImages } from './ran-images.ts'
import { checkpointsOf } from './restore.ts'
import { aheadOf } from './steps-ahead.ts'
import type { Run, RunAttempt, RunCommand } from './shapes.ts'

/** A run with the steps of an attempt, the present one's unless told, what it came of and who went on from it; undefined when there is none. */
export async function findRun(
  db: Db,
  id: RunId,
  attempt?: number,
): Promise<Omit<z.output<typeof Run>, 'role' | 'follows' | 'followers'> | undefined> {
  const row = await summaries(placedRuns(db).where('runs.id', '=', id)).executeTakeFirst()
  if (!row || (attempt ?? 1) > row.attempt) return undefined
  const shown = attempt ?? row.attempt
  const [steps, commands, earlier, upstream, downstream, hold, took, checkpoints, images, warnings, ahead] =
    await Promise.all([
      db
        .selectFrom('steps')
        .selectAll()
        .where(ofAttempt('steps', { id, attempt: shown }))
        .orderBy('step')
        .execute(),
      db
        .selectFrom('commands')
        .selectAll()
        .where(ofAttempt('commands', { id, attempt: shown }))
        .orderBy('command')
        .execute(),
      earlierOf(db, id),
      upstreamOf(db, id),
      downstreamOf(db, id),
      holdOf(db, id),
      db.selectFrom('runs').select(['usage', 'values_out']).where('id', '=', id).executeTakeFirst(),
      checkpointsOf(db, id),
      ranImages(db, { id, attempt: shown }),
      warningsOf(db, id),
      shown === row.attempt ? aheadOf(db, id) : [],
    ])
  return {
    ...toSummary(row),
    steps: steps.filter(isShown).map((step) => ({
      step: step.step,
      attempt: step.attempt,
      name: step.name,
      kind: step.kind,
      parent: step.parent,
      hook: step.hook,
      state: step.state,
      tries: step.tries,
      allowed: step.allowed,
      reason: step.reason,
      exit_code: step.exit_code,
      lines: step.lines + (step.open_line ? 1 : 0),
      bytes: step.bytes,
      commands: commands.filter((command) => command.step === step.step).map(toCommand),
      ...times(step),
    })),
    ahead,
    earlier,
    values: took?.values_out ?? {},
    usage: took?.usage ? { peak_memory_bytes: took.usage.peakMemoryBytes, cpu_ms: took.usage.cpuMs } : null,
    hold,
    checkpoints: checkpoints
      .filter(({ archive_id }, index, all) => archive_id !== null && isNewest(all, index))
      .map(({ name, created_at, expires_at }) => ({
        name,
        created_at: created_at.toISOString(),
        expires_at: expires_at?.toISOString() ?? null,
      })),
    images,
    warnings,
    upstream,
    downstream,
  }
}

/** Of a name that several attempts left, the last counts. */
const isNewest = (all: readonly { readonly name: string }[], index: number) =>
  all.findIndex(({ name }) => name === all[index]?.name) === index

async function earlierOf(db: Db, id: RunId): Promise<z.output<typeof RunAttempt>[]> {
  const rows = await db
    .selectFrom('attempts')
    .leftJoin('runners', 'runners.id', 'attempts.runner_id')
    .select(['attempt', 'state', 'reason', 'exit_code', 'runners.name as runner', 'started_at', 'ended_at'])
    .where('run_id', '=', id)
    .orderBy('attempt')
    .execute()
  return rows.map(({ ended_at, ...row }) => ({
    ...row,
    ...times({ ...row, ended_at }),
    ended_at: ended_at.toISOString(),
  }))
}

async function holdOf(db: Db, id: RunId): Promise<z.output<typeof Run>['hold']> {
  const row = await db
    .selectFrom('run_holds')
    .select(['until', 'end_asked_at'])
    .where('run_id', '=', id)
    .where('until', '>', sql<Date>`now()`)
    .executeTakeFirst()
  return row ? { until: row.until.toISOString(), ending: row.end_asked_at !== null } : null
}

/** What a runner does last is nobody's business where it had nothing to do. */
const isShown = ({ kind, state }: { kind: string; state: string }) =>
  (kind !== 'finish' && kind !== 'hand_over') || (state !== 'queued' && state !== 'skipped')

type CommandRow = {
  command: number
  words: string
  state: z.output<typeof RunCommand>['state']
  exit_code: number | null
  first_line: number | null
} & Times
const toCommand = (row: CommandRow): z.output<typeof RunCommand> => ({
  command: row.command,
  text: row.words,
  state: row.state,
  exit_code: row.exit_code,
  first_line: row.first_line,
  ...times(row),
})

type Times = { started_at: Date | null; ended_at: Date | null }
const times = (row: Times) => ({
  started_at: row.started_at?.toISOString() ?? null,
  ended_at: row.ended_at?.toISOString() ?? null,
})

type Upstream = z.output<typeof Run>['upstream']

/** The runs that satisfied its needs, and the inputs that each of them vouched for. */
async function upstreamOf(db: Db, id: RunId): Promise<Upstream> {
  const { rows } = await sql<Upstream[number]>`
    select jobs.name as job, above.upstream_id as run, array(
      select resources.name from run_input_via as via
      join run_inputs on run_inputs.run_id = via.run_id and run_inputs.position = via.position
      join resources on resources.id = run_inputs.resource_id
      where via.run_id = ${id} and via.upstream_id = above.upstream_id order by via.position
    ) as inputs
    from (
      select upstream_id from run_needs where run_id = ${id}
      union select upstream_id from run_input_via where run_id = ${id}
    ) above
    join runs on runs.id = above.upstream_id join jobs on jobs.id = runs.job_id
    order by above.upstream_id`.execute(db)
  return rows
}

/** A run that many others lean on is shown with its newest ones. */
const MOST_BELOW = 200
async function downstreamOf(db: Db, id: RunId): Promise<RunId[]> {
  const newest = (table: 'run_needs' | 'run_input_via') => sql`(
    select distinct run_id from ${sql.table(table)} where upstream_id = ${id} order by run_id desc limit ${MOST_BELOW})`
  const { rows } = await sql<{ run_id: RunId }>`
    select run_id from (${newest('run_needs')} union ${newest('run_input_via')}) below
    order by run_id desc limit ${MOST_BELOW}`.execute(db)
  return rows.map((row) => row.run_id).toReversed()
}
