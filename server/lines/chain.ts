import { sql } from 'kysely'
import type { z } from 'zod'
import type { RunId } from '#pipelines/ids.ts'
import type { RunState } from '#pipelines/states.ts'
import type { Db } from '../db/connect.ts'
import { isAllowed } from '../runs/queries.ts'
import { waitsFor } from '../runs/waits-for.ts'
import type { ChainRun } from './chain-shapes.ts'

/** A line that is longer than this is shown from its near end. */
const MOST_RUNS = 500

/**
 * The run and all that led to it: the runs that its needs were satisfied by, and theirs, all the way up; oldest first. Of a matrix one
 * leg is noted as what satisfied a need, and all that had been made by then led to it.
 */
export async function chainOf(db: Db, run: RunId): Promise<z.output<typeof ChainRun>[]> {
  const { rows } = await sql<{ id: RunId }>`
    with recursive up (id) as (
      select ${run}::bigint
      union
      select legs.id from up
      cross join lateral (
        select upstream_id from run_needs where run_id = up.id
        union select upstream_id from run_input_via where run_id = up.id
      ) needed
      join runs as one on one.id = needed.upstream_id
      cross join lateral (
        select one.id union select id from runs where batch_id = one.batch_id and id < up.id
      ) legs
    ) select id from up limit ${MOST_RUNS}`.execute(db)
  const links = await linksOf(
    db,
    rows.map(({ id }) => id),
  )
  return links.map(toChainRun)
}

/** The newest run of each leg of these matrices. */
export async function newestLegs(db: Db, batches: readonly RunId[]): Promise<RunId[]> {
  if (batches.length === 0) return []
  const { rows } = await sql<{ id: RunId }>`
    select distinct on (batch_id, matrix) id from runs
    where batch_id = any(${[...batches]}::bigint[]) order by batch_id, matrix, id desc`.execute(db)
  return rows.map(({ id }) => id)
}

/** These runs as links of a chain, oldest first. */
export async function linksOf(db: Db, ids: readonly RunId[]): Promise<LinkRow[]> {
  if (ids.length === 0) return []
  const { rows } = await sql<LinkRow>`
    select runs.id, jobs.name as job, runs.number, runs.state, ${isAllowed} as allowed, ${waitsFor('runs')} as held,
      runs.environment, runs.matrix, runs.batch_id as batch, runs.created_at, runs.started_at, runs.ended_at,
      array(
        select upstream_id from run_needs where run_id = runs.id
        union select upstream_id from run_input_via where run_id = runs.id order by 1
      ) as upstream,
      coalesce((
        select jsonb_agg(jsonb_build_object('name', name, 'opened_at', opened_at, 'closed_at', closed_at) order by step)
        from gates where run_id = runs.id and state <> 'skipped'
      ), '[]') as gates,
      coalesce((
        select jsonb_agg(jsonb_build_object('resource', resources.name, 'version', versions.name) order by resources.name)
        from run_outputs join resources on resources.id = run_outputs.resource_id
        join versions on versions.id = run_outputs.version_id
        where run_outputs.run_id = runs.id
      ), '[]') as outputs
    from runs join jobs on jobs.id = runs.job_id
    where runs.id = any(${[...ids]}::bigint[]) order by runs.id`.execute(db)
  return rows
}

export type LinkRow = {
  readonly id: RunId
  readonly job: string
  readonly number: number
  readonly state: RunState
  readonly allowed: boolean
  readonly held: string | null
  readonly environment: string | null
  readonly matrix: Record<string, string> | null
  readonly batch: RunId | null
  readonly upstream: RunId[]
  readonly gates: { name: string; opened_at: string; closed_at: string | null }[]
  readonly outputs: { resource: string; version: string }[]
  readonly created_at: Date
  readonly started_at: Date | null
  readonly ended_at: Date | null
}

export const toChainRun = ({ gates, created_at, started_at, ended_at, ...row }: LinkRow) => ({
  ...row,
  gates: gates.map(({ name, opened_at, closed_at }) => ({
    name,
    opened_at: new Date(opened_at).toISOString(),
    closed_at: closed_at === null ? null : new Date(closed_at).toISOString(),
  })),
  created_at: created_at.toISOString(),
  started_at: started_at?.toISOString() ?? null,
  ended_at: ended_at?.toISOString() ?? null,
})
