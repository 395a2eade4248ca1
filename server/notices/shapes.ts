import { z } from '@hono/zod-openapi'
import { NOTICES } from '#pipelines/language/shape/environments.ts'

const time = z.iso.datetime()
const channel = z.enum(['slack', 'email', 'webhook'])

export const Notice = z
  .object({
    id: z.number().int(),
    pipeline: z.string(),
    channel,
    destination: z.string().openapi({ description: 'Empty: the channel that the Slack address stands for' }),
    state: z.enum(['waiting', 'sent', 'dead']),
    test: z.boolean(),
    count: z.number().int().openapi({ description: 'How many things it tells of' }),
    items: z
      .array(z.object({ kind: z.enum(NOTICES), text: z.string(), url: z.string(), at: time }))
      .openapi({ description: 'The first of them' }),
    error: z.string().nullable().openapi({ description: 'Why it has not arrived' }),
    attempts: z.array(
      z.object({
        number: z.number().int(),
        status: z.number().int().nullable(),
        words: z.string(),
        took_ms: z.number().int(),
        at: time,
      }),
    ),
    due_at: time.nullable().openapi({ description: 'When it is tried again' }),
    created_at: time,
    ended_at: time.nullable(),
  })
  .openapi('Notice', { description: 'One message to one place' })

export const NoticeList = z.object({
  items: z.array(Notice),
  next: z.string().nullable().openapi({ description: 'Give it as `before` for the next page' }),
})

export const NoticeRule = z
  .object({
    pipeline: z.string(),
    index: z.number().int().openapi({ description: 'Its place in the file, counted from 0' }),
    channel,
    to: z.array(z.string()),
    when: z.array(z.enum(NOTICES)),
    jobs: z.array(z.string()),
    lanes: z.array(z.string()),
    login: z.string().nullable().openapi({ description: 'The secret that it needs' }),
    lacks: z.string().nullable().openapi({ description: 'What is missing before it can be carried out' }),
  })
  .openapi('NoticeRule', { description: 'Who is told of what, as the default branch’s file says' })
export const NoticeRules = z.object({ items: z.array(NoticeRule), next: z.null() })
