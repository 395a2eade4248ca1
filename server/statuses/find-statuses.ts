import { sql } from 'kysely'
import type { z } from 'zod'
import type { Access } from '#pipelines/access/roles.ts'
import type { StatusId } from '#pipelines/ids.ts'
import { mayIn } from '../access/grants.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { audited } from '../audit/on-record.ts'
import { Problem } from '../problem.ts'
import type { Forge } from './forge.ts'
import type { ForgeDoor, Status, STATUS_STATES } from './shapes.ts'

type Shown = z.output<typeof Status>
export type StatusFilter = {
  readonly id?: StatusId | undefined
  readonly project?: string | undefined
  readonly sha?: string | undefined
  readonly state?: (typeof STATUS_STATES)[number] | undefined
  readonly before?: StatusId | undefined
  readonly limit: number
}

const state = sql<Shown['state']>`case when statuses.given_up_at is not null then 'failed'
  when statuses.sent < statuses.requested then 'waiting' else 'sent' end`

/** Statuses of the projects that somebody sees, the newest first. */
export async function findStatuses(db: Db, filter: StatusFilter, access: Access): Promise<Shown[]> {
  let statuses = db
    .selectFrom('statuses')
    .innerJoin('pipelines', 'pipelines.id', 'statuses.pipeline_id')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .select(['statuses.id', 'statuses.job', 'statuses.sha', 'statuses.forge', 'statuses.repository'])
    .select(['statuses.name', 'statuses.verdict', 'statuses.words', 'statuses.path', 'statuses.sent_verdict'])
    .select(['statuses.attempts', 'statuses.error', 'statuses.changed_at', 'statuses.sent_at'])
    .select(['projects.name as project', 'pipelines.name as pipeline', state.as('state')])
    .where(mayIn(access, 'viewer'))
  if (filter.id !== undefined) statuses = statuses.where('statuses.id', '=', filter.id)
  if (filter.project !== undefined) statuses = statuses.where('projects.name', '=', filter.project)
  if (filter.sha !== undefined)
    statuses = statuses.where(sql<boolean>`starts_with(statuses.sha, ${filter.sha})`)
  if (filter.state !== undefined) statuses = statuses.where(state, '=', filter.state)
  if (filter.before !== undefined) statuses = statuses.where('statuses.id', '<', filter.before)
  const rows = await statuses.orderBy('statuses.id', 'desc').limit(filter.limit).execute()
  return rows.map(({ job, changed_at, sent_at, ...row }) => ({
    ...row,
    job: job === '' ? null : job,
    changed_at: changed_at.toISOString(),
    sent_at: sent_at?.toISOString() ?? null,
  }))
}

/** The forges that are told, and whether they take anything. */
export async function findDoors(db: Db, forges: readonly Forge[]): Promise<z.output<typeof ForgeDoor>[]> {
  const rows = await db.selectFrom('forge_doors').selectAll().execute()
  return forges.map(({ name, host }) => {
    const door = rows.find(({ forge }) => forge === name)
    return { name, host, reason: door?.reason ?? null, opens_at: door?.opens_at?.toISOString() ?? null }
  })
}

/** Somebody wants a status sent once more, whatever became of it; its forge is asked at once. @throws {Problem} `status-not-found`. */
export async function retryStatus(db: Db, id: StatusId, access: Access): Promise<void> {
  await transact(db, async (tx) => {
    const status = await tx.db
      .selectFrom('statuses')
      .innerJoin('pipelines', 'pipelines.id', 'statuses.pipeline_id')
      .innerJoin('projects', 'projects.id', 'pipelines.project_id')
      .select([
        'projects.name as project',
        'statuses.name',
        'statuses.sha',
        'statuses.forge',
        state.as('state'),
      ])
      .where('statuses.id', '=', id)
      .where(mayIn(access, 'maintainer'))
      .forUpdate('statuses')
      .executeTakeFirst()
    if (!status) throw new Problem('status-not-found', `there is no status ${id} that you may send`)
    const { project, name, sha } = status
    audited({ project, target: `statuses/${id} (${name} of ${sha})`, before: { state: status.state } })
    await tx.db
      .updateTable('statuses')
      .set((eb) => ({
        ...{ requested: eb('requested', '+', 1), attempts: 0, error: null, given_up_at: null },
        attempt_after: sql<Date>`now()`,
      }))
      .where('id', '=', id)
      .execute()
    await tx.db.updateTable('forge_doors').set({ opens_at: null }).where('forge', '=', status.forge).execute()
    tx.emit({ kind: 'status.requested', project, status: id })
  })
}
