import { sql } from 'kysely'
import type { Db, Trx } from '../db/connect.ts'
import { canonical, type Entry, fit } from './entry.ts'

/**
 * Add an entry to the end of the chain: one statement, which waits for whoever writes one at the moment. The end stays locked until
 * the transaction ends, so that it is written near its end.
 */
export async function writeEntry(db: Db | Trx, told: Entry): Promise<void> {
  const entry = fit(told)
  await sql`
    with head as (
      update audit_head set
        id = id + 1, previous = hash, at = date_trunc('milliseconds', statement_timestamp()),
        hash = sha256(hash || convert_to((id + 1)::text || E'\n' || to_char(
          date_trunc('milliseconds', statement_timestamp()) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'
        ) || E'\n' || ${canonical(entry)}, 'UTF8'))
      returning id, at, previous, hash
    )
    insert into audit_entries (id, at, previous, hash, actor_id, actor, actor_kind, via, token, address, action,
      organization_id, project, target, outcome, reason, before, after, count)
    select id, at, previous, hash, ${entry.actor_id}, ${entry.actor}, ${entry.actor_kind}, ${entry.via},
      ${entry.token}, ${entry.address}, ${entry.action}, ${entry.organization_id}, ${entry.project},
      ${entry.target}, ${entry.outcome}, ${entry.reason}, ${json(entry.before)}::jsonb, ${json(entry.after)}::jsonb,
      ${entry.count}
    from head`.execute(db)
}

const json = (value: object | null) => (value === null ? null : JSON.stringify(value))
