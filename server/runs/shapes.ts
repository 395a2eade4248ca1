import { z } from '@hono/zod-openapi'
import { OwnRole } from '../catalog/shapes.ts'
import type { StartMode } from '#pipelines/language/pipeline.ts'
import { HOOKS } from '#pipelines/wire/plan.ts'
import { RUN_STATES, STEP_STATES } from '#pipelines/states.ts'

const START_MODES = ['settled', 'strict', 'chrono', 'immediate'] as const satisfies readonly StartMode[]

/** The shapes in which the API speaks of runs. Times are ISO 8601 in UTC. */
const time = z.string().openapi({ format: 'date-time' })
const id = z.number().int().positive()

export const RunInput = z
  .object({
    resource: z.string(),
    version: z
      .string()
      .openapi({ description: 'The version’s name: for a git resource the full commit hash' }),
    title: z.string().nullable().openapi({ description: 'For a commit: the first line of its message' }),
    author: z.string().nullable(),
    ref: z.string().nullable(),
    from_run: id
      .nullable()
      .openapi({ description: 'The upstream run that vouched for it; null when the job got it itself' }),
    from_runs: z.array(id),
  })
  .openapi('RunInput')

export const RunCommand = z
  .object({
    command: z.number().int(),
    text: z.string(),
    state: z.enum(STEP_STATES),
    exit_code: z.number().int().nullable(),
    first_line: z.number().int().nullable().openapi({ description: 'Counts from 0 within the step’s log' }),
    started_at: time.nullable(),
    ended_at: time.nullable(),
  })
  .openapi('RunCommand')

export const RunStep = z
  .object({
    step: z.number().int().openapi({ description: '0 is `prepare`, the runner’s own' }),
    attempt: z
      .number()
      .int()
      .openapi({ description: 'The attempt that did it: what stands before a gate is not done again' }),
    name: z.string(),
    kind: z.enum(['prepare', 'run', 'get', 'put', 'group', 'service', 'checkpoint', 'hand_over', 'finish']),
    parent: z
      .number()
      .int()
      .nullable()
      .openapi({ description: 'The step that it is a member or a hook of; null at the top' }),
    hook: z.enum(HOOKS).nullable(),
    state: z.enum(STEP_STATES),
    tries: z.number().int().openapi({ description: 'How often it was begun' }),
    allowed: z.boolean().openapi({ description: 'It failed, and may: the run went on' }),
    reason: z.string().nullable().openapi({ description: 'Why it was passed over' }),
    exit_code: z.number().int().nullable(),
    lines: z.number().int(),
    bytes: z.number().int(),
    commands: z.array(RunCommand),
    started_at: time.nullable(),
    ended_at: time.nullable(),
  })
  .openapi('RunStep')

export const StepAhead = z.object({ name: z.string(), gate: z.boolean() }).openapi('StepAhead')

export const RunError = z.object({ code: z.string(), message: z.string() }).openapi('RunError')

export const RunAttempt = z
  .object({
    attempt: z.number().int(),
    state: z.enum(['failed', 'errored']),
    reason: z.string(),
    exit_code: z.number().int().nullable(),
    runner: z.string().nullable(),
    started_at: time.nullable(),
    ended_at: time,
  })
  .openapi('RunAttempt')

/** A run as lists show it. */
export const RunSummary = z
  .object({
    id,
    project: z.string(),
    pipeline: z.string(),
    job: z.string(),
    lane: z.string(),
    number: z.number().int(),
    state: z.enum(RUN_STATES),
    attempt: z.number().int(),
    attempts: z.number().int().openapi({ description: 'How often it may be begun' }),
    again: z
      .string()
      .nullable()
      .openapi({ description: 'Why it was begun once more; null in the first attempt' }),
    not_before: time
      .nullable()
      .openapi({ description: 'The end of the pause before its next attempt; null where there is none' }),
    allow_failure: z.boolean().openapi({ description: 'Where it fails, the line goes on all the same' }),
    allowed: z.boolean().openapi({
      description:
        'It counts as green only because of `allow_failure`: it failed and may, or a step of it did',
    }),
    runs_on: z.array(z.string()).openapi({ description: 'The labels that a runner must have' }),
    reason: z.string(),
    start: z.enum(START_MODES),
    held: z
      .string()
      .nullable()
      .openapi({ description: 'What a queued run waits for; null: for a runner that has room' }),
    skip: z
      .string()
      .nullable()
      .openapi({ description: 'Why the job was passed through instead of run; null when it was not' }),
    error: RunError.nullable(),
    cancel_requested: z.boolean(),
    retry_of: id.nullable(),
    runner: z.string().nullable(),
    isolated: z
      .boolean()
      .nullable()
      .openapi({ description: 'Whether the runner’s engine isolates runs; null before a runner took it' }),
    inputs: z.array(RunInput),
    outputs: z
      .record(z.string(), z.string())
      .openapi({ description: 'The version that it put, by resource' }),
    environment: z.string().nullable(),
    matrix: z
      .record(z.string(), z.string())
      .nullable()
      .openapi({ description: 'The value of each axis; null where the job has no matrix' }),
    batch: id.nullable().openapi({ description: 'The first run of its matrix' }),
    given: z.record(z.string(), z.string()).nullable().openapi({ description: 'What a person filled in' }),
    created_at: time,
    started_at: time.nullable(),
    ended_at: time.nullable(),
  })
  .openapi('RunSummary')

/** One run of a matrix, as the line shows it. */
export const Leg = RunSummary.pick({
  ...{ id: true, number: true, state: true, allow_failure: true, allowed: true, matrix: true },
  ...{ started_at: true, ended_at: true },
}).openapi('Leg')

export const Run = RunSummary.extend({
  role: OwnRole,
  steps: z.array(RunStep),
  ahead: z
    .array(StepAhead)
    .openapi({ description: 'Of a job with gates, what stands behind the next one, as its file names it' }),
  earlier: z.array(RunAttempt).openapi({ description: 'The attempts before the present one' }),
  values: z
    .record(z.string(), z.string())
    .openapi({ description: 'What it wrote to `$TAKT_OUTPUT`, by name' }),
  usage: z
    .object({ peak_memory_bytes: z.number().int().nullable(), cpu_ms: z.number().int().nullable() })
    .nullable()
    .openapi({ description: 'What it took of the machine; null until its runner has told' }),
  hold: z
    .object({ until: time, ending: z.boolean() })
    .nullable()
    .openapi({ description: 'It failed, and its container is kept for terminals until then' }),
  checkpoints: z
    .array(z.object({ name: z.string(), created_at: time, expires_at: time.nullable() }))
    .openapi({ description: 'What it left to be run again from, the newest first' }),
  images: z
    .array(z.object({ image: z.string(), id: z.string(), digests: z.array(z.string()) }))
    .openapi({ description: 'What the engine really ran of each image, by its digests' }),
  warnings: z
    .array(z.object({ rule: z.string(), words: z.string(), at: time }))
    .openapi({ description: 'What the policies of its organization warned of' }),
  upstream: z
    .array(z.object({ job: z.string(), run: id, inputs: z.array(z.string()) }))
    .openapi({ description: 'The runs that its needs were satisfied by, with the inputs each vouched for' }),
  downstream: z
    .array(id)
    .openapi({ description: 'The newest 200 runs that this one satisfied a need of, oldest first' }),
  follows: z
    .array(
      z.object({
        resource: z.string(),
        run: id,
        number: z.number().int(),
        project: z.string(),
        pipeline: z.string(),
        job: z.string(),
      }),
    )
    .openapi({ description: 'The runs of other pipelines that its `upstream` inputs stand for' }),
  followers: z
    .array(
      z.object({
        project: z.string(),
        pipeline: z.string(),
        resource: z.string(),
        version: z.string().nullable(),
        reason: z.string().nullable().openapi({ description: 'Why it is no version there' }),
      }),
    )
    .openapi({ description: 'What became of its end in pipelines that follow its job' }),
}).openapi('Run')

export const RunList = z
  .object({
    items: z.array(RunSummary),
    next: z.string().nullable().openapi({ description: 'Give it as `after` for the next page' }),
  })
  .openapi('RunList')

const LogLine = z.object({
  line: z
    .number()
    .int()
    .openapi({ description: 'Counts from 0 through all steps, or within the one that was asked for' }),
  step: z.number().int(),
  text: z.string(),
  at: time,
})

export const LogLines = z
  .object({
    attempt: z.number().int(),
    from: z.number().int().openapi({ description: 'The first line’s number, counted from 0' }),
    total: z.number().int().openapi({ description: 'Lines so far' }),
    ended: z.boolean().openapi({ description: 'The run is final: no more lines will come' }),
    lines: z.array(LogLine),
  })
  .openapi('LogLines')

export const LogSearch = z
  .object({
    attempt: z.number().int(),
    total: z.number().int().openapi({ description: 'Lines that have it' }),
    lines: z.array(LogLine.pick({ step: true, line: true })).openapi({
      description: 'The first 10,000 of them in the order of the log, counted from 0 within their steps',
    }),
  })
  .openapi('LogSearch')
