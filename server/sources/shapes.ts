import { z } from '@hono/zod-openapi'

const time = z.string().openapi({ format: 'date-time' })
const text = z.string().min(1).max(200)
const address = z
  .string()
  .max(300)
  .regex(/^(\[[0-9a-f:.]+\]|[A-Za-z0-9._-]+):\d{1,5}$/, { error: 'write host:port' })

const settings = {
  kind: z.enum(['redis', 'kafka']),
  addresses: z
    .array(address)
    .min(1)
    .max(10)
    .openapi({ description: '`host:port`; of Kafka several brokers, of Redis one' }),
  stream: text.openapi({ description: 'The stream or topic' }),
  group: text.openapi({
    description: 'The consumer group that this server is; `takt-<project>` when absent',
  }),
  tls: z.boolean(),
  from: z.enum(['new', 'beginning']).openapi({ description: 'Where a group that is new begins' }),
  field: text.nullable().openapi({
    description: 'Of Redis: the field that holds the event as JSON; without one all fields together are it',
  }),
  login: z
    .string()
    .max(100)
    .nullable()
    .openapi({ description: 'The project’s secret `user:password`, or a password alone' }),
}

export const SourceSaid = z
  .object({
    ...settings,
    group: settings.group.optional(),
    tls: settings.tls.default(false),
    from: settings.from.default('new'),
    field: settings.field.optional(),
    login: settings.login.optional(),
  })
  .refine(({ kind, addresses }) => kind === 'kafka' || addresses.length === 1, {
    path: ['addresses'],
    error: 'a Redis stream lies in one place',
  })

export const Source = z
  .object({
    name: z.string(),
    ...settings,
    state: z.enum(['read', 'waits', 'broken']),
    error: z
      .string()
      .nullable()
      .openapi({ description: 'Why it cannot be read; it is tried again by itself' }),
    read_since: time.nullable(),
    last_at: time.nullable().openapi({ description: 'When the newest event came' }),
    waiting: z.number().int().openapi({ description: 'Events that wait to be looked at' }),
    dead: z.number().int().openapi({ description: 'Dead letters' }),
  })
  .openapi('EventSource')
export const SourceList = z.object({ items: z.array(Source) })

export const SourceEvent = z
  .object({
    id: z.number().int(),
    event: z.string().openapi({ description: 'The stream’s own name for it' }),
    state: z.enum(['received', 'taken', 'ignored', 'dead']),
    reason: z.string().nullable(),
    payload: z.string(),
    attempts: z.number().int(),
    received_at: time,
    settled_at: time.nullable(),
  })
  .openapi('SourceEvent')
export const EventList = z.object({
  items: z.array(SourceEvent),
  next: z.string().nullable().openapi({ description: 'Give it as `before` for the next page' }),
})
