/**
 * The advisory locks of the database, each under a number of its own. A transaction that holds one may take another only further
 * down this list, so that nobody waits in a circle; `events` is the last that anybody takes.
 */
export const LOCKS = {
  /** One server brings the database up to date: a connection's, while the migrations are applied. Nothing else runs yet. */
  migration: 7000,
  /** One server works on a repository's deliveries: a connection's, by repository, while one is read and applied. Tried, never waited for. */
  deliveries: 7004,
  /** One push of a repository is applied: by repository, to the end of the transaction, before it locks any row. */
  repository: 7003,
  /** It is decided which held runs of a project go on: by project, to the end of the transaction, after the rows of runs. */
  holds: 7002,
  /** It is counted how many runs an organization has under way: by organization, to the end of the transaction, after `holds`. */
  rooms: 7007,
  /** A value of a project is set: by project, to the end of the transaction, before the row of its key. */
  values: 7006,
  /** What a project may remember is looked at: by project, to the end of the transaction, after the rows of runs and lanes. */
  states: 7011,
  /** One server looks for runs that no runner takes: to the end of the transaction, before it locks any row. Tried, never waited for. */
  lateRuns: 7010,
  /** Events take their ids in the order in which they appear: the last statement of a transaction, to its end. */
  events: 7001,
} as const
