import type { z } from 'zod'
import { sql } from 'kysely'
import type { ProjectId, SourceEventId, SourceId } from '#pipelines/ids.ts'
import type { Db, Trx } from '../db/connect.ts'
import type { Source, SourceEvent } from './shapes.ts'

/** A source as it is shown, and what the audit log is told of it. */
export type SourceRow = z.output<typeof Source> & {
  readonly row: {
    readonly id: SourceId
    readonly kind: string
    readonly login: string | null
    readonly settings: object
  }
}

export async function findSources(db: Db | Trx, project: ProjectId, name?: string): Promise<SourceRow[]> {
  const counted = (state: 'received' | 'dead') =>
    sql<number>`(select count(*) from source_events where source_id = sources.id and state = ${state})::int`
  let sources = db
    .selectFrom('sources')
    .select(['id', 'name', 'kind', 'settings', 'login', 'error', 'read_since'])
    .select(
      sql<Date | null>`(select received_at from source_events where source_id = sources.id order by id desc limit 1)`.as(
        'last_at',
      ),
    )
    .select([counted('received').as('waiting'), counted('dead').as('dead')])
    .where('project_id', '=', project)
  if (name !== undefined) sources = sources.where('name', '=', name)
  const rows = await sources.orderBy('name').execute()
  return rows.map(({ id, settings, read_since, last_at, ...row }) => ({
    ...row,
    ...settings,
    addresses: [...settings.addresses],
    read_since: read_since?.toISOString() ?? null,
    last_at: last_at?.toISOString() ?? null,
    state: read_since ? ('read' as const) : row.error === null ? ('waits' as const) : ('broken' as const),
    row: { id, kind: row.kind, login: row.login, settings },
  }))
}

type Asked = {
  readonly source: SourceId
  readonly state: 'received' | 'taken' | 'ignored' | 'dead' | undefined
  readonly before: SourceEventId | undefined
  readonly limit: number
}

export async function findEvents(db: Db, asked: Asked): Promise<z.output<typeof SourceEvent>[]> {
  let events = db
    .selectFrom('source_events')
    .select(['id', 'event', 'state', 'reason', 'payload', 'attempts', 'received_at', 'settled_at'])
    .where('source_id', '=', asked.source)
  if (asked.state !== undefined) events = events.where('state', '=', asked.state)
  if (asked.before !== undefined) events = events.where('id', '<', asked.before)
  const rows = await events.orderBy('id', 'desc').limit(asked.limit).execute()
  return rows.map(({ received_at, settled_at, ...row }) => ({
    ...row,
    received_at: received_at.toISOString(),
    settled_at: settled_at?.toISOString() ?? null,
  }))
}
