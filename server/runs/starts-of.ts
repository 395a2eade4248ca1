import { sql } from 'kysely'
import type { RunId } from '#pipelines/ids.ts'
import type { Start } from '#pipelines/plan/secret-scopes.ts'
import type { Trx } from '../db/connect.ts'

/**
 * What started a run: a person, or each of the triggers that made it. A retry was started by what started the run that it
 * repeats, and a leg of a matrix by what started the first of them.
 *
 * @returns In no order; empty where nobody knows any more.
 */
export async function startsOf(db: Trx, id: RunId): Promise<Start[]> {
  const { rows } = await sql<{ start: Start | null }>`
    with recursive repeated (id, retry_of, created_by, batch_id) as (
      select id, retry_of, created_by, batch_id from runs where id = ${id}
      union all
      select runs.id, runs.retry_of, runs.created_by, runs.batch_id from runs join repeated on runs.id = repeated.retry_of
    ), first as (select * from repeated where retry_of is null)
    select 'manual' as start from first where created_by is not null
    union
    select case when triggers.kind = 'ending' or resources.kind = 'upstream' then 'upstream'
                when resources.kind = 'time' then 'schedule'
                when lanes.kind in ('push', 'tag') then lanes.kind end
    from first
    join triggers on triggers.run_id = coalesce(first.batch_id, first.id)
    join lanes on lanes.id = triggers.lane_id
    left join versions on versions.id = triggers.version_id
    left join resources on resources.id = versions.resource_id
    where first.created_by is null`.execute(db)
  return rows.flatMap(({ start }) => (start === null ? [] : [start]))
}
