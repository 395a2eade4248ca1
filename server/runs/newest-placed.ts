import { sql } from 'kysely'
import type { Access } from '#pipelines/access/roles.ts'
import type { JobId, LaneId, RunId } from '#pipelines/ids.ts'
import type { RunState } from '#pipelines/states.ts'
import { mayIn } from '../access/grants.ts'
import type { Db } from '../db/connect.ts'
import { newestOfJob, ofJobOnLane } from '../db/newest-of.ts'

export type RunFilter = {
  /** Whose list it is: only runs of projects that they see. */
  readonly access: Access
  readonly project?: string | undefined
  readonly pipeline?: string | undefined
  readonly job?: string | undefined
  readonly lane?: string | undefined
  readonly state?: RunState | undefined
  readonly version?: string | undefined
  readonly before?: RunId | undefined
  readonly limit: number
}

type Spot = { readonly job: JobId | null; readonly lane: LaneId | null }

/**
 * The newest runs of what the names mean, newest first: of each job, in each of its states, of each lane, or of each job on its lane by
 * the index that is made for it. Names are looked up first: runs of a rare one are not looked for among those of all others.
 */
export async function newestPlaced(db: Db, filter: RunFilter): Promise<RunId[]> {
  const spots = await spotsOf(db, filter)
  const { rows } = await sql<{ id: RunId }>`
    select newest.id from unnest(${spots.map(({ job }) => job)}::bigint[], ${spots.map(({ lane }) => lane)}::bigint[])
      as spot(job, lane)
    cross join lateral (
      select id from runs where ${belonging(filter)}
        ${filter.state === undefined || isOfJob(filter) ? sql`` : sql`and state = ${filter.state}`}
        ${filter.before === undefined ? sql`` : sql`and id < ${filter.before}`}
      order by ${orderOf(filter)} limit ${filter.limit}
    ) as newest
    order by newest.id desc limit ${filter.limit}`.execute(db)
  return rows.map((row) => row.id)
}

const isOfJob = ({ lane }: RunFilter) => lane === undefined
const isOfLane = ({ job, lane }: RunFilter) => lane !== undefined && job === undefined

/** Spelt as ranges, so that no other index gives the order. */
function belonging(filter: RunFilter) {
  if (isOfLane(filter)) return sql`lane_id >= spot.lane and lane_id <= spot.lane`
  const { state } = filter
  if (isOfJob(filter) && state !== undefined)
    return sql`(job_id, state) >= (spot.job, ${state}) and (job_id, state) <= (spot.job, ${state})`
  if (isOfJob(filter)) return sql`job_id >= spot.job and job_id <= spot.job`
  return ofJobOnLane(sql`spot.job`, sql`spot.lane`)
}

function orderOf(filter: RunFilter) {
  if (isOfLane(filter)) return sql`lane_id desc, id desc`
  if (!isOfJob(filter)) return newestOfJob
  return filter.state === undefined ? sql`job_id desc, id desc` : sql`job_id desc, state desc, id desc`
}

async function spotsOf(db: Db, filter: RunFilter): Promise<Spot[]> {
  const { access, project, pipeline, job, lane } = filter
  const ofLane = isOfLane(filter)
  const { rows } = await sql<Spot>`
    select ${ofLane ? sql`null::bigint` : sql`jobs.id`} as job, ${lane === undefined ? sql`null::bigint` : sql`lanes.id`} as lane
    from pipelines join projects on projects.id = pipelines.project_id
    ${ofLane ? sql`` : sql`join jobs on jobs.pipeline_id = pipelines.id`}
    ${lane === undefined ? sql`` : sql`join lanes on lanes.pipeline_id = pipelines.id and lanes.name = ${lane}`}
    where ${mayIn(access, 'viewer')}
      ${project === undefined ? sql`` : sql`and projects.name = ${project}`}
      ${pipeline === undefined ? sql`` : sql`and pipelines.name = ${pipeline}`}
      ${job === undefined ? sql`` : sql`and jobs.name = ${job}`}`.execute(db)
  return rows
}
