import { createHash } from 'node:crypto'
import type { Selectable } from 'kysely'
import type { AuditTables } from '../db/audit-tables.ts'

/** An entry as it lies in the table. */
export type EntryRow = Selectable<AuditTables['audit_entries']>

/** What an entry tells; its number, its time and its place in the chain it is given when it is written. */
export type Entry = Omit<EntryRow, 'id' | 'at' | 'previous' | 'hash'>

/** What stands before the first entry. */
export const BEGINNING = createHash('sha256').update('takt audit').digest()

const MOST = 1_000
const MOST_JSON = 16_000

/**
 * An entry that the table takes, whatever came in: texts of bounded length that PostgreSQL can hold, and before and after that are
 * no longer than somebody reads.
 */
export const fit = (entry: Entry): Entry => ({
  ...entry,
  actor: text(entry.actor),
  token: entry.token === null ? null : text(entry.token),
  project: entry.project === null ? null : text(entry.project),
  target: text(entry.target),
  reason: entry.reason === null ? null : text(entry.reason),
  before: short(entry.before),
  after: short(entry.after),
})

const text = (value: string) => value.toWellFormed().replaceAll('\0', '').slice(0, MOST).toWellFormed()

function short(value: object | null): object | null {
  if (value === null) return null
  const json = JSON.stringify(value)
  if (json.length > MOST_JSON) return { cut: `longer than ${MOST_JSON} characters` }
  return JSON.parse(JSON.stringify(value, (_, each) => (typeof each === 'string' ? text(each) : each)))
}

/** All that an entry tells, as one text that is the same whoever writes it: members in the order of their names. */
export const canonical = (entry: Entry): string =>
  JSON.stringify(
    sorted({
      ...{ actor_id: entry.actor_id, actor: entry.actor, actor_kind: entry.actor_kind },
      ...{ via: entry.via, token: entry.token, address: entry.address },
      ...{ action: entry.action, organization_id: entry.organization_id, project: entry.project },
      ...{ target: entry.target, outcome: entry.outcome, reason: entry.reason },
      ...{ before: entry.before, after: entry.after, count: entry.count },
    }),
  )

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]))
}

export type Linked = Entry & { readonly id: number; readonly at: Date }

/** SHA-256 over the hash before it, then the number, the time to the millisecond and the text, a line each. */
export const hashOf = (previous: Buffer, entry: Linked): Buffer =>
  createHash('sha256')
    .update(previous)
    .update(`${entry.id}\n${entry.at.toISOString()}\n${canonical(entry)}`)
    .digest()
