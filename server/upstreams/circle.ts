import { sql } from 'kysely'
import type { ResourceId, RunId } from '#pipelines/ids.ts'
import type { Trx } from '../db/connect.ts'

/** A pipeline starts a pipeline starts a pipeline: so often, and no more. */
const MOST_HOPS = 8

type Row = { readonly id: RunId; readonly hops: number; readonly fresh: boolean; readonly own: RunId | null }

/**
 * Why the end of a run is no version of a resource, in words: all that started it goes back to a version of that very resource, so that
 * it would go round for ever; or too many pipelines started one another. Null where something new stands behind it: a commit, a
 * person, a clock.
 *
 * What a run merely took along is not followed back, only what started it.
 */
export async function circleOf(db: Trx, run: RunId, resource: ResourceId): Promise<string | null> {
  const { rows } = await sql<Row>`
    with recursive above (id, hops, own) as (
      select ${run}::bigint, 0, null::bigint
      union
      select cause.id, above.hops + cause.hop, cause.own from above
      join runs on runs.id = above.id
      cross join lateral (
        select runs.retry_of as id, 0 as hop, null::bigint as own where runs.retry_of is not null
        union all
        select gates.run_id, 1, null from triggered join gates on gates.id = triggered.gate_id
        where triggered.run_id in (runs.id, runs.batch_id)
        union all
        select endings.run_id, 0, null from triggers join endings on endings.id = triggers.ending_id
        where triggers.run_id in (runs.id, runs.batch_id)
        union all
        select run_outputs.run_id, 0, null from triggers join run_outputs on run_outputs.version_id = triggers.version_id
        where triggers.run_id in (runs.id, runs.batch_id)
        union all
        select heard_ends.ended_id, 1, case when heard_ends.resource_id = ${resource} then runs.id end
        from triggers join heard_ends on heard_ends.version_id = triggers.version_id
        where triggers.run_id in (runs.id, runs.batch_id)
      ) cause
      -- What stands behind a version of this resource has had its lap.
      where above.own is null and above.hops <= ${MOST_HOPS}
    )
    select above.id, above.hops, above.own, above.own is null and ${isFresh} as fresh
    from above join runs on runs.id = above.id`.execute(db)
  const lap = rows.find(({ own }) => own !== null)
  if (lap && !rows.some(({ fresh }) => fresh))
    return `that is a circle: run ${lap.own}, which this goes back to, was started by this very resource`
  if (rows.some(({ hops }) => hops >= MOST_HOPS))
    return `more than ${MOST_HOPS} pipelines started one another`
  return null
}

/** Beside a row of `runs`: something started it that came of no run. */
const isFresh = sql<boolean>`(
  exists (
    select from triggers where triggers.run_id in (runs.id, runs.batch_id) and (triggers.kind = 'changed' or triggers.kind = 'version'
      and not exists (select from run_outputs where run_outputs.version_id = triggers.version_id)
      and not exists (select from heard_ends where heard_ends.version_id = triggers.version_id)))
  or runs.retry_of is null
    and not exists (select from triggers where triggers.run_id in (runs.id, runs.batch_id))
    and not exists (select from triggered where triggered.run_id in (runs.id, runs.batch_id)))`
