import { createRoute, z } from '@hono/zod-openapi'
import type { Db } from '../db/connect.ts'
import { json, routes } from '../http/kit.ts'
import { exportEntries } from './export.ts'
import { findEntries, reachOf, type Wanted } from './find-entries.ts'
import { AuditList, OUTCOMES, showEntry, Verdict } from './shapes.ts'
import { verifyChain } from './verify.ts'

const tags = ['Audit']
const moment = z.iso.datetime({ offset: true, error: 'a time looks like 2026-03-01T14:05:00Z' })
const Question = z.object({
  actor: z.string().max(200).optional(),
  action: z
    .string()
    .max(100)
    .optional()
    .openapi({ description: 'Such as `run.cancel`; `run.` is all that is done to runs' }),
  project: z.string().max(100).optional(),
  organization: z.string().max(100).optional(),
  outcome: z.enum(OUTCOMES).optional(),
  since: moment.optional(),
  until: moment.optional(),
})

const list = createRoute({
  method: 'get',
  path: '/audit',
  tags,
  summary: 'Who did what, and who was not let: for admins of the server, and of organizations for theirs',
  request: {
    query: Question.extend({
      after: z.coerce.number().int().positive().optional(),
      limit: z.coerce.number().int().min(1).max(200).default(50),
    }),
  },
  responses: { 200: json(AuditList, 'Newest first') },
})
const verify = createRoute({
  method: 'get',
  path: '/audit/verify',
  tags,
  summary:
    'Whether every entry is as it was written, and none is missing; the first that does not hold is named',
  responses: { 200: json(Verdict, 'What was found') },
})
const download = createRoute({
  method: 'get',
  path: '/audit/export',
  tags,
  summary: 'The same entries as a file, oldest first',
  request: { query: Question.extend({ format: z.enum(['ndjson', 'csv']).default('ndjson') }) },
  responses: {
    200: {
      description: 'A line each',
      content: {
        'application/x-ndjson': { schema: z.string() },
        'text/csv': { schema: z.string() },
      },
    },
  },
})
const TYPES = { ndjson: 'application/x-ndjson', csv: 'text/csv; charset=utf-8' } as const

export const auditRoutes = ({ db }: { db: Db }) =>
  routes()
    .openapi(list, async (c) => {
      const { after = null, limit, ...wanted } = c.req.valid('query')
      const cut = { after, limit: limit + 1 }
      const found = await findEntries(db, reachOf(c.get('access')), { wanted, cut })
      const items = found.slice(0, limit).map(showEntry)
      return c.json({ items, next: found.length > limit ? (items.at(-1)?.id ?? null) : null }, 200)
    })
    .openapi(verify, async (c) => c.json(await verifyChain(db), 200))
    .openapi(download, (c) => {
      const { format, ...wanted } = c.req.valid('query')
      const entries = exportEntries(db, reachOf(c.get('access')), { wanted: wanted satisfies Wanted, format })
      return c.body(entries, 200, {
        'content-type': TYPES[format],
        'content-disposition': `attachment; filename="audit.${format}"`,
      })
    })
