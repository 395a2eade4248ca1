import type { InferResponseType } from 'hono/client'
import { answer, v1 } from './api.ts'
import type { AuditWanted } from './places.ts'

export type AuditList = InferResponseType<typeof v1.audit.$get, 200>
export type AuditEntry = AuditList['items'][number]

/** The entries that are wanted, newest first, behind the entry `after`. */
export const auditEntries = (
  wanted: AuditWanted,
  { after, limit }: { after: number | null; limit: number },
  signal: AbortSignal,
) => {
  const said = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== ''))
  const page = after === null ? {} : { after: String(after) }
  return answer(v1.audit.$get({ query: { ...said, ...page, limit: String(limit) } }, { init: { signal } }))
}

/** The same as a file, straight from the server. */
export const auditFile = (wanted: AuditWanted, format: 'csv' | 'ndjson'): string => {
  const said = Object.entries(wanted).filter(([, value]) => value !== '')
  return `/api/v1/audit/export?${new URLSearchParams([...said, ['format', format]])}`
}
