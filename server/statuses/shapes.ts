import { z } from '@hono/zod-openapi'
import { VERDICTS } from '#pipelines/statuses/verdict.ts'

const time = z.string().openapi({ format: 'date-time' })
export const FORGES = ['github', 'gitlab', 'gitea'] as const
export const STATUS_STATES = ['waiting', 'sent', 'failed'] as const

export const Status = z
  .object({
    id: z.number().int().positive(),
    project: z.string(),
    pipeline: z.string(),
    job: z.string().nullable().openapi({ description: 'Null: it is of the whole line' }),
    sha: z.string(),
    forge: z.enum(FORGES),
    repository: z.string().openapi({ description: 'As the forge calls it' }),
    name: z.string().openapi({ description: 'What the forge shows it by' }),
    verdict: z.enum(VERDICTS).openapi({ description: 'What it should say' }),
    words: z.string(),
    path: z.string().openapi({ description: 'Where its link leads to' }),
    state: z
      .enum(STATUS_STATES)
      .openapi({ description: '`failed`: the forge will not take it, until somebody tries again' }),
    sent_verdict: z.enum(VERDICTS).nullable().openapi({ description: 'What the forge was told last' }),
    attempts: z.number().int(),
    error: z.string().nullable().openapi({ description: 'Why it did not arrive' }),
    changed_at: time,
    sent_at: time.nullable(),
  })
  .openapi('Status')

export const ForgeDoor = z
  .object({
    name: z.enum(FORGES),
    host: z.string(),
    project: z
      .string()
      .nullable()
      .openapi({ description: 'Whose token it is told by; null: the server’s own' }),
    reason: z.string().nullable().openapi({ description: 'Why it took nothing when it was asked last' }),
    opens_at: time.nullable().openapi({ description: 'When it is asked again' }),
  })
  .openapi('ForgeDoor')

export const StatusList = z
  .object({
    items: z.array(Status),
    next: z.string().nullable().openapi({ description: 'Give it as `after` for the next page' }),
    forges: z.array(ForgeDoor).openapi({ description: 'The forges that this server tells' }),
  })
  .openapi('StatusList')
