import { type RawBuilder, sql } from 'kysely'

type Value = RawBuilder<unknown> | number

/**
 * The newest rows of a job on a lane, of a table with an index over `job_id, lane_id, id`: what to look for, and in which order.
 *
 * It is spelt as a range, so that no other index gives the order. With `=` PostgreSQL would rather walk backwards through the rows
 * of all jobs and lanes till it meets one, and there may be none.
 */
export const ofJobOnLane = (job: Value, lane: Value) => sql`
  (job_id, lane_id) >= (${job}::bigint, ${lane}::bigint) and (job_id, lane_id) <= (${job}::bigint, ${lane}::bigint)`
export const newestOfJob = sql`job_id desc, lane_id desc, id desc`

/** The same for endings of one kind: their index is over `job_id, lane_id, how, id`. */
export const endedLike = (job: Value, lane: Value, how: RawBuilder<unknown>) => sql`
  (job_id, lane_id, how) >= (${job}::bigint, ${lane}::bigint, ${how}) and
  (job_id, lane_id, how) <= (${job}::bigint, ${lane}::bigint, ${how})`
export const newestEnded = sql`job_id desc, lane_id desc, how desc, id desc`
