import { z } from '@hono/zod-openapi'
import type { FoundEntry } from './find-entries.ts'

const setting = z.record(z.string(), z.unknown()).or(z.array(z.unknown())).nullable()
export const OUTCOMES = ['done', 'refused', 'denied', 'failed'] as const

export const AuditEntry = z
  .object({
    id: z.number().int(),
    at: z.string().openapi({ format: 'date-time' }),
    actor_id: z.number().int().nullable(),
    actor: z.string(),
    actor_kind: z.enum(['person', 'service', 'system', 'nobody']),
    via: z
      .enum(['session', 'token', 'cli', 'git', 'terminal', 'command', 'system', 'none'])
      .openapi({ description: 'How they came: `command` is one on the server’s own machine' }),
    token: z.string().nullable().openapi({ description: 'The name of the API token that was shown' }),
    address: z.string().nullable(),
    action: z.string().openapi({ example: 'run.cancel' }),
    organization_id: z.number().int().nullable(),
    organization: z.string().nullable(),
    project: z.string().nullable(),
    target: z.string(),
    outcome: z.enum(OUTCOMES).openapi({
      description:
        '`denied`: for want of rights or with bad credentials. `refused`: it could not be done. `failed`: the server’s fault',
    }),
    reason: z.string().nullable(),
    before: setting,
    after: setting,
    count: z.number().int().openapi({ description: 'How often, where the same attempt was made many times' }),
    previous: z.string().openapi({ description: 'The hash of the entry before it' }),
    hash: z.string(),
  })
  .openapi('AuditEntry')
export type AuditEntry = z.output<typeof AuditEntry>

export const AuditList = z
  .object({ items: z.array(AuditEntry), next: z.number().int().nullable() })
  .openapi('AuditList')

export const Verdict = z
  .object({
    entries: z.number().int(),
    head: z.object({ id: z.number().int(), hash: z.string() }),
    broken: z.object({ id: z.number().int(), why: z.string() }).nullable(),
  })
  .openapi('AuditVerdict')

export const showEntry = ({ at, previous, hash, ...row }: FoundEntry): AuditEntry => ({
  ...row,
  at: at.toISOString(),
  before: row.before as AuditEntry['before'],
  after: row.after as AuditEntry['after'],
  previous: previous.toString('hex'),
  hash: hash.toString('hex'),
})
