import { sql } from 'kysely'
import type { ProjectId, RunId } from '#pipelines/ids.ts'
import type { Trx } from '../db/connect.ts'
import { LOCKS } from '../db/locks.ts'

/** Before what a run is held, in the order in which it passes them: its key is `<kind>:…`. */
type Kind = 'batch' | 'lane' | 'group' | 'policy' | 'organization'
export type Hold = { readonly key: string; readonly words: string }
export const kindOf = (key: string) => key.slice(0, key.indexOf(':')) as Kind

const ORDER = {
  ...{ batch: '2', lane: '3', group: '4', policy: '5', organization: '6' },
} as const satisfies Record<Kind, string>
/** What is looked at behind a hold comes at the end of a transaction, in the order of the holds. */
export const atItsTurn = (key: string): string => `${ORDER[kindOf(key)]} ${key}`

export const lockHolds = (db: Trx, project: ProjectId) =>
  sql`select pg_advisory_xact_lock(${LOCKS.holds}, ${project})`.execute(db)

export const setHold = (db: Trx, id: RunId, hold: Hold | null) =>
  db
    .updateTable('runs')
    .set({ held: hold && hold.words, hold_key: hold && hold.key })
    .where('id', '=', id)
    .execute()

export const heldRuns = (db: Trx, key: string) =>
  db
    .selectFrom('runs')
    .innerJoin('jobs', 'jobs.id', 'runs.job_id')
    .innerJoin('pipelines', 'pipelines.id', 'jobs.pipeline_id')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .innerJoin('lanes', 'lanes.id', 'runs.lane_id')
    .select([
      'lanes.name as lane',
      'runs.id',
      'runs.job_id',
      'runs.lane_id',
      'runs.revision_id',
      'runs.batch_id',
      'runs.start',
      'runs.group_key',
      'runs.group_limit',
      'runs.hold_key',
      'jobs.name as job',
      'pipelines.name as pipeline',
      'projects.id as project_id',
      'projects.name as project',
    ])
    .where('runs.hold_key', '=', key)
    .where('runs.state', '=', 'queued')
    .where('runs.held', 'is not', null)
    .forNoKeyUpdate('runs')
    .skipLocked()

export const oldestHeld = (db: Trx, key: string) =>
  heldRuns(db, key).orderBy('runs.due_at').orderBy('runs.id').limit(1).executeTakeFirst()
export type HeldRun = NonNullable<Awaited<ReturnType<typeof oldestHeld>>>
