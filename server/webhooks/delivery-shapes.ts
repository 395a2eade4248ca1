import { z } from '@hono/zod-openapi'
import { RUN_STATES } from '#pipelines/states.ts'
import type { DeliverySource, DeliveryState } from '../db/hook-tables.ts'

const time = z.string().openapi({ format: 'date-time' })

export const SOURCES = [
  ...(['github', 'gitlab', 'gitea', 'git', 'hosted', 'events', 'registry'] as const),
] as const satisfies readonly DeliverySource[]
export const STATES = [
  ...(['received', 'processed', 'ignored', 'refused', 'failed'] as const),
] as const satisfies readonly DeliveryState[]

export const Delivery = z
  .object({
    id: z.number().int(),
    source: z.enum(SOURCES),
    event: z.string(),
    about: z.string().nullable().openapi({ description: 'What it speaks of, in a few words' }),
    project: z.string().nullable(),
    state: z.enum(STATES),
    reason: z.string().nullable().openapi({ description: 'What became of it, in words' }),
    replays: z.number().int().openapi({ description: 'How often somebody had it looked at once more' }),
    received_at: time,
    processed_at: time.nullable(),
    payload_removed_at: time
      .nullable()
      .openapi({ description: 'When its payload was removed: it cannot be replayed any more' }),
  })
  .openapi('Delivery')

export const DeliveryList = z
  .object({ items: z.array(Delivery), next: z.string().nullable() })
  .openapi('DeliveryList')

const place = { project: z.string(), pipeline: z.string(), lane: z.string() }

export const DeliveryDetail = Delivery.extend({
  delivery_id: z.string().openapi({ description: 'The sender’s own number for it' }),
  signed: z.boolean().openapi({ description: 'Whether its bytes were signed, or a token shown' }),
  attempts: z.number().int().openapi({ description: 'How often it was tried and failed' }),
  headers: z
    .record(z.string(), z.string())
    .openapi({ description: 'What its headers said, without what opens anything' }),
  bytes: z.number().int(),
  payload: z.string().openapi({ description: 'The body as text, or its beginning; `/payload` is all of it' }),
  cut: z.boolean(),
  versions: z.array(z.object({ ...place, resource: z.string(), version: z.string() })),
  runs: z.array(z.object({ ...place, id: z.number().int(), job: z.string(), state: z.enum(RUN_STATES) })),
}).openapi('DeliveryDetail')
