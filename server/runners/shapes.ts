import { z } from '@hono/zod-openapi'
import { RUNNER_EVENTS, RUNNER_MODES } from '#pipelines/states.ts'

const time = z.string().openapi({ format: 'date-time' })

/** `drained`: it was told to become empty, and is. `degraded`: it is not well enough to take work. */
export const RUNNER_STATES = ['idle', 'busy', 'degraded', 'paused', 'draining', 'drained', 'away'] as const
export type RunnerState = (typeof RUNNER_STATES)[number]

export const Runner = z
  .object({
    id: z.number().int(),
    name: z.string(),
    state: z.enum(RUNNER_STATES),
    engine: z.string(),
    isolated: z.boolean(),
    words: z.string().openapi({ description: 'The engine in words' }),
    version: z.string(),
    labels: z.record(z.string(), z.string()),
    slots: z.number().int().openapi({ description: 'How many runs it takes at once, at present' }),
    slots_least: z.number().int(),
    slots_most: z
      .number()
      .int()
      .openapi({ description: 'So many slots it grows to while runs wait and its machine has room' }),
    busy: z.number().int(),
    connected: z.boolean(),
    mode: z.enum(RUNNER_MODES).openapi({ description: 'What people want of it' }),
    mode_reason: z.string().nullable(),
    mode_by: z.string().nullable(),
    mode_at: time.nullable(),
    trouble: z.string().nullable().openapi({ description: 'Why it can take no work; null: it is well' }),
    trouble_at: time.nullable(),
    runs: z.array(
      z.object({
        id: z.number().int(),
        project: z.string(),
        pipeline: z.string(),
        job: z.string(),
        lane: z.string(),
        number: z.number().int(),
        attempt: z.number().int(),
        started_at: time,
      }),
    ),
    seen_at: time,
  })
  .openapi('Runner')

export const RunnerList = z.object({ items: z.array(Runner), next: z.null() }).openapi('RunnerList')

export const RunnerEvent = z
  .object({
    id: z.number().int(),
    kind: z.enum(RUNNER_EVENTS),
    words: z.string(),
    slots: z.number().int().nullable(),
    by: z.string().nullable(),
    at: time,
  })
  .openapi('RunnerEvent')

export const RunnerEventList = z
  .object({ items: z.array(RunnerEvent), next: z.string().nullable() })
  .openapi('RunnerEventList')
