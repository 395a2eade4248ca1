import { z } from '@hono/zod-openapi'
import { Decree } from '../lines/shapes.ts'
import { RunSummary } from '../runs/shapes.ts'

const time = z.string().openapi({ format: 'date-time' })
const run = z.number().int().positive()

/** One new fact on an edge of a job, and what became of it. */
export const Trigger = z
  .object({
    id: z.number().int().positive(),
    kind: z.enum(['version', 'ending', 'changed']),
    edge: z.string().openapi({
      description: 'The resource or the job it came from; of `changed` the words for what changed',
    }),
    version: z.string().nullable().openapi({ description: 'The new version’s name' }),
    from_run: run.nullable().openapi({ description: 'The run that ended' }),
    fate: z.enum(['new', 'gathered', 'run', 'no-run']),
    reason: z.string().nullable().openapi({ description: 'Why no run came of it, or what it waits for' }),
    run: run.nullable().openapi({ description: 'The run that came of it' }),
    at: time,
    settled_at: time.nullable(),
  })
  .openapi('Trigger')

/** Why a job does not run on a lane at present. */
export const Why = z
  .object({
    job: z.string(),
    lane: z.string(),
    waits: z.array(z.string()).openapi({ description: 'What it waits for, in words' }),
    paused: Decree.nullable(),
    gathered: z.array(Trigger).openapi({ description: 'The one waiting entry of a strict job' }),
    held: z
      .array(z.object({ run, reason: z.string() }))
      .openapi({ description: 'Runs that are queued and may not start yet' }),
    triggers: z.array(Trigger).openapi({ description: 'The newest twenty, newest first' }),
  })
  .openapi('Why')

const DecidedInput = z.object({
  resource: z.string(),
  version: z.string(),
  from_runs: z.array(run),
})
const Decided = z.object({
  inputs: z.array(DecidedInput),
  upstreams: z.array(z.object({ job: z.string(), run })),
  start: z.string(),
  reason: z.string(),
  advances: z.boolean(),
  skip: z.string().nullable().openapi({ description: 'Why the job was passed through instead of run' }),
})

/** A run's decision, and what the same facts decide now. */
export const Explanation = z
  .object({
    run,
    how: z.enum(['planned', 'by hand', 'again', 'unrecorded']).openapi({
      description:
        'A retry is decided by nobody: it has the inputs of the run before, which is what is compared',
    }),
    facts: z
      .unknown()
      .openapi({ description: 'What the planner saw; null where there was nothing to decide' }),
    decided: Decided,
    replay: z.array(Decided).openapi({ description: 'The runs that these facts ask for now' }),
    same: z.boolean().openapi({ description: 'The run is one of them' }),
  })
  .openapi('Explanation')

export const RunItems = z.object({ items: z.array(RunSummary), next: z.string().nullable() })
