import { z } from '@hono/zod-openapi'
import { RUN_STATES } from '#pipelines/states.ts'
import { Decree } from '../lines/shapes.ts'

const time = z.string().openapi({ format: 'date-time' })
const id = z.number().int().positive()

/** A time of a schedule that came, and what became of it. */
export const Firing = z
  .object({
    id,
    due_at: time.openapi({ description: 'The moment that the schedule names' }),
    fired_at: time.openapi({
      description: 'When it was written down; of one that waited, when it was let go',
    }),
    lag_ms: z.number().int().openapi({ description: 'How long after it was due' }),
    fate: z.enum(['fired', 'waiting', 'skipped', 'missed', 'paused']),
    reason: z.string().nullable().openapi({ description: 'Why it is not plainly fired' }),
    missed: z.number().int().openapi({
      description: 'How many times before it, that came while no server was there, it stands for',
    }),
    conflict: id.nullable().openapi({ description: 'The run that still ran when it came' }),
    by: z.string().nullable().openapi({ description: 'Who let it come by hand' }),
    runs: z
      .array(z.object({ id, number: id, job: z.string(), state: z.enum(RUN_STATES) }))
      .openapi({ description: 'The runs that it started; of a matrix the first one' }),
  })
  .openapi('Firing')

const Next = z.object({
  at: time,
  there: z.string().openapi({ description: 'The same as clocks in the schedule’s zone show it' }),
})

export const Schedule = z
  .object({
    project: z.string(),
    pipeline: z.string(),
    name: z.string(),
    schedule: z.string().openapi({ description: 'Five fields, or a span' }),
    timezone: z.string(),
    misfire: z.enum(['skip', 'once', 'all']),
    overlap: z.enum(['skip', 'queue', 'cancel_running', 'allow']),
    jitter_ms: z.number().int(),
    jobs: z.array(z.string()).openapi({ description: 'The jobs that it starts' }),
    paused: Decree.nullable(),
    next: z.array(Next).openapi({ description: 'The five times that come next, before any jitter' }),
    last: z.array(Firing).openapi({ description: 'The times that came last, newest first' }),
    may: z
      .object({ fire: z.boolean(), pause: z.boolean() })
      .openapi({ description: 'What the asker may do with it' }),
  })
  .openapi('Schedule')

export const ScheduleList = z.object({
  items: z.array(Schedule),
  next: z.string().nullable().openapi({ description: 'Give it as `after` for the next page' }),
})
export const FiringList = z.object({
  items: z.array(Firing),
  next: z.string().nullable().openapi({ description: 'Give it as `before` for the next page' }),
})
