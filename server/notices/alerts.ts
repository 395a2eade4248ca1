import { sql } from 'kysely'
import type { RunId } from '#pipelines/ids.ts'
import type { TaktEvent } from '#pipelines/wire/events.ts'
import type { Trx } from '../db/connect.ts'
import { waitsFor } from '../runs/waits-for.ts'
import { type Happening, namesIn, NOTHING, placeIn, PLACES, WHERE, type Where } from './happening.ts'

type Checked = Extract<TaktEvent, { kind: 'resource.checked' }>

/** Versions of a resource cannot be looked for, or can be again. What comes by the clock is never looked for. */
export async function ofCheck(db: Trx, { project, pipeline, resource }: Checked): Promise<Happening | null> {
  const { rows } = await sql<{ error: { message: string } | null } & Where>`
    select checks.error, ${WHERE}
    from resources join checks on checks.id = resources.check_id
      join pipelines as own on own.id = resources.pipeline_id
      join projects as whose on whose.id = own.project_id
      join repositories as theirs on theirs.id = whose.repository_id
      join lanes on lanes.pipeline_id = own.id and lanes.name in (theirs.default_branch, 'heads/' || theirs.default_branch) ${PLACES}
    where resources.name = ${resource} and own.name = ${pipeline} and whose.name = ${project} and checks.kind <> 'time'`.execute(
    db,
  )
  const [row] = rows
  if (!row) return null
  const words = row.error
    ? `cannot look for versions of ${resource}`
    : `looks for versions of ${resource} again`
  const url = `/p/${encodeURIComponent(project)}/${encodeURIComponent(pipeline)}?resource=${encodeURIComponent(resource)}`
  return {
    ...placeIn(row),
    kinds: ['alert'],
    facts: { ...namesIn(row), ...NOTHING, words, reason: row.error?.message ?? '', url },
  }
}

type Missed = Extract<TaktEvent, { kind: 'schedule.missed' }>
type Firing = {
  readonly fate: string
  readonly before: string | null
  readonly reason: string | null
  readonly missed: number
  readonly due_at: Date
}

/** Times of a schedule came to nothing. Of those that are left out one after the other only the first is told. */
export async function ofSchedule(db: Trx, { resource, firing }: Missed): Promise<Happening | null> {
  const { rows } = await sql<Firing & Where>`
    select firings.fate, firings.reason, firings.missed, firings.due_at, ${WHERE},
      (select older.fate from firings older where older.resource_id = firings.resource_id and older.id < firings.id
        order by older.id desc limit 1) as before
    from firings join resources on resources.id = firings.resource_id
      join pipelines as own on own.id = resources.pipeline_id
      join projects as whose on whose.id = own.project_id
      join repositories as theirs on theirs.id = whose.repository_id
      join lanes on lanes.pipeline_id = own.id and lanes.name in (theirs.default_branch, 'heads/' || theirs.default_branch) ${PLACES}
    where firings.id = ${firing}`.execute(db)
  const [row] = rows
  if (!row || (row.fate === 'skipped' && row.before === 'skipped')) return null
  const others = row.missed === 1 ? ' and one time before it' : ` and ${row.missed} times before it`
  const what =
    row.fate === 'fired'
      ? `stands for ${row.missed === 1 ? 'one time' : `${row.missed} times`} before it that passed while no server was there`
      : `started nothing${row.missed > 0 ? `,${others}` : ''}`
  return {
    ...placeIn(row),
    kinds: ['alert'],
    facts: {
      ...namesIn(row),
      ...NOTHING,
      words: `has a schedule, ${resource}, whose time ${row.due_at.toISOString()} ${what}`,
      reason: row.reason ?? '',
      url: '/schedules',
    },
  }
}

type LateRun = { readonly number: number; readonly job: string; readonly waits: string | null }

/** No runner has taken a run for long; one that was taken meanwhile is no news any more. */
export async function ofLateRun(db: Trx, id: RunId): Promise<Happening | null> {
  const { rows } = await sql<LateRun & Where>`
    select runs.number, jobs.name as job, ${waitsFor('runs')} as waits, ${WHERE}
    from runs join jobs on jobs.id = runs.job_id join lanes on lanes.id = runs.lane_id ${PLACES}
    where runs.id = ${id} and runs.state = 'queued'`.execute(db)
  const [row] = rows
  if (!row) return null
  return {
    ...placeIn(row),
    kinds: ['alert'],
    facts: {
      ...namesIn(row),
      ...NOTHING,
      ...{ job: row.job, number: String(row.number), url: `/runs/${id}` },
      words: 'has waited for a runner for more than 10 minutes',
      reason: row.waits ?? 'no runner has room for it, or none is connected',
    },
  }
}
