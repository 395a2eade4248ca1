import { sql } from 'kysely'
import type { z } from 'zod'
import type { Access } from '#pipelines/access/roles.ts'
import type { StatusId } from '#pipelines/ids.ts'
import { mayIn } from '../access/grants.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { audited } from '../audit/on-record.ts'
import { Problem } from '../problem.ts'
import type { KnownForge } from './forges.ts'
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

/** The forges that are told, and whether they take anything: by the server's token, and by those of the projects that somebody sees. */
export async function findDoors(
  db: Db,
  forges: readonly KnownForge[],
  access: Access,
): Promise<z.output<typeof ForgeDoor>[]> {
  const rows = await db
    .selectFrom('forge_doors')
    .leftJoin('projects', 'projects.id', 'forge_doors.project_id')
    .select(['forge', 'reason', 'opens_at', 'projects.name as project'])
    .where((eb) => eb.or([eb('forge_doors.project_id', 'is', null), mayIn(access, 'viewer')]))
    .orderBy('projects.name')
    .execute()
  const shown = forges.flatMap(({ name, host, own }) => {
    const doors = rows.filter(({ forge, project }) => forge === name && project !== null)
    const ours = rows.find(({ forge, project }) => forge === name && project === null)
    const all = [
      ...(own ? [{ reason: ours?.reason, opens_at: ours?.opens_at, project: null }] : []),
      ...doors,
    ]
    return all.map((door) => ({ name, host, ...door }))
  })
  return shown.map(({ reason = null, opens_at, ...door }) => ({
    ...door,
    reason,
    opens_at: opens_at?.toISOString() ?? null,
  }))
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
        'statuses.own_token',
        'pipelines.project_id',
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
    const door = status.own_token ? status.project_id : null
    await tx.db
      .updateTable('forge_doors')
      .set({ opens_at: null })
      .where('forge', '=', status.forge)
      .where(sql<boolean>`project_id is not distinct from ${door}`)
      .execute()
    tx.emit({ kind: 'status.requested', project, status: id })
  })
}
