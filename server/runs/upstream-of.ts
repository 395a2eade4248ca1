import { sql } from 'kysely'
import type { RunId } from '#pipelines/ids.ts'
import type { CompileFacts } from '#pipelines/plan/compile-facts.ts'
import type { Trx } from '../db/connect.ts'

type Upstream = CompileFacts['upstream'][number]
type LegRow = Pick<Upstream, 'job' | 'run' | 'outputs' | 'direct'> & {
  readonly leg: RunId
  readonly kept: boolean
}

/**
 * The runs its needs were satisfied by, and those that theirs were, all the way: nearest first, each job once.
 *
 * A need of a matrix is noted with one of its legs, and all of them hand on what they have: of each leg the newest run that was
 * there before this one, in the order in which the legs were made.
 */
export async function upstreamOf(db: Trx, id: RunId): Promise<CompileFacts['upstream']> {
  const { rows } = await sql<LegRow>`
    with recursive above (job_id, run_id, hops) as (
      select job_id, upstream_id, 1 from run_needs where run_id = ${id}
      union
      select run_needs.job_id, run_needs.upstream_id, above.hops + 1
      from above join run_needs on run_needs.run_id = above.run_id where above.hops < 100
    ), nearest as (
      select distinct on (job_id) job_id, run_id, hops from above order by job_id, hops
    )
    select jobs.name as job, nearest.run_id as run, legs.id as leg, coalesce(legs.values_out, '{}') as outputs,
      nearest.hops = 1 as direct, exists (select from kept where kept.run_id = legs.id) as kept
    from nearest join jobs on jobs.id = nearest.job_id join runs on runs.id = nearest.run_id
    cross join lateral (
      select runs.id, runs.values_out, runs.id as first where runs.batch_id is null
      union all
      (select distinct on (leg.matrix) leg.id, leg.values_out, min(leg.id) over (partition by leg.matrix)
       from runs as leg where leg.batch_id = runs.batch_id and leg.id < ${id} order by leg.matrix, leg.id desc)
    ) legs
    order by nearest.job_id, legs.first`.execute(db)
  return [...Map.groupBy(rows, ({ job }) => job).values()].flatMap((legs) => {
    const [one] = legs
    return one ? [together(one, legs)] : []
  })
}

/** Of a value that several legs have written, the last leg's counts; in files of one name it is the same. */
const together = ({ job, run, direct }: LegRow, legs: readonly LegRow[]): Upstream => ({
  job,
  run,
  direct,
  outputs: Object.assign({}, ...legs.map(({ outputs }) => outputs)),
  kept: legs.filter(({ kept }) => kept).map(({ leg }) => leg),
})
