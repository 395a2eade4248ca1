import { z } from '@hono/zod-openapi'
import { RUN_STATES } from '#pipelines/states.ts'

const time = z.string().openapi({ format: 'date-time' })
const run = z.number().int().positive()

/** A run as one link of a chain: when it waited for what, and what it went on from. */
export const ChainRun = z
  .object({
    id: run,
    job: z.string(),
    number: z.number().int(),
    state: z.enum(RUN_STATES),
    allowed: z.boolean(),
    held: z.string().nullable().openapi({ description: 'What it waits for now, at a gate or in the queue' }),
    environment: z.string().nullable(),
    matrix: z.record(z.string(), z.string()).nullable(),
    batch: run.nullable().openapi({ description: 'The first run of its matrix' }),
    upstream: z.array(run).openapi({ description: 'The runs that its needs were satisfied by' }),
    gates: z
      .array(z.object({ name: z.string(), opened_at: time, closed_at: time.nullable() }))
      .openapi({ description: 'The gates that it waited at' }),
    outputs: z
      .array(z.object({ resource: z.string(), version: z.string() }))
      .openapi({ description: 'What it put' }),
    created_at: time,
    started_at: time.nullable(),
    ended_at: time.nullable(),
  })
  .openapi('ChainRun')

export const Chain = z
  .object({
    run,
    items: z.array(ChainRun).openapi({ description: 'Oldest first, the run itself among them' }),
  })
  .openapi('Chain')
