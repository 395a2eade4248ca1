import type { Db } from '../db/connect.ts'
import { findEntries, type Reach, type Wanted } from './find-entries.ts'
import { type AuditEntry, showEntry } from './shapes.ts'

const PAGE = 1_000
const encoder = new TextEncoder()

/** Entries as a file, oldest first, a page of the table in memory at a time. */
export function exportEntries(
  db: Db,
  reach: Reach,
  { wanted, format }: { wanted: Wanted; format: 'ndjson' | 'csv' },
): ReadableStream<Uint8Array> {
  let after = 0
  return new ReadableStream<Uint8Array>({
    start(controller) {
      if (format === 'csv') controller.enqueue(encoder.encode(`${COLUMNS.join(',')}\r\n`))
    },
    async pull(controller) {
      const page = await findEntries(db, reach, { wanted, cut: { after, limit: PAGE, upwards: true } })
      const lines = page.map(showEntry).map(format === 'csv' ? csvLine : ndjsonLine)
      if (lines.length > 0) controller.enqueue(encoder.encode(lines.join('')))
      after = page.at(-1)?.id ?? after
      if (page.length < PAGE) controller.close()
    },
  })
}

const ndjsonLine = (entry: AuditEntry) => `${JSON.stringify(entry)}\n`

const COLUMNS = [
  ...(['id', 'at', 'actor', 'actor_id', 'actor_kind', 'via', 'token', 'address', 'action'] as const),
  ...(['organization', 'organization_id', 'project', 'target', 'outcome', 'reason', 'count'] as const),
  ...(['before', 'after', 'previous', 'hash'] as const),
]

/** RFC 4180. */
const csvLine = (entry: AuditEntry) => `${COLUMNS.map((column) => cell(entry[column])).join(',')}\r\n`

/** A spreadsheet computes what begins like a formula, whoever wrote it: an apostrophe makes it text. */
function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  const harmless = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
