import { z } from '@hono/zod-openapi'
import type { FormField } from '#pipelines/language/step.ts'
import { GATE_KINDS } from '#pipelines/plan/gates.ts'
import { GATE_STATES, RUN_STATES } from '#pipelines/states.ts'
import { RunInput } from '../runs/shapes.ts'

const time = z.string().openapi({ format: 'date-time' })
const id = z.number().int().positive()

const around = {
  name: z.string(),
  label: z.string().nullable(),
  default: z.string().nullable(),
  required: z.boolean(),
}
const bound = z.number().nullable()
const Field: z.ZodType<FormField> = z
  .discriminatedUnion('kind', [
    z.object({ ...around, kind: z.literal('text'), min: bound, max: bound }),
    z.object({ ...around, kind: z.literal('number'), min: bound, max: bound, step: bound }),
    z.object({ ...around, kind: z.literal('bool') }),
    z.object({ ...around, kind: z.literal('choice'), choices: z.array(z.string()) }),
  ])
  .openapi('GateField')

const Input = RunInput.pick({ resource: true, version: true, title: true })

const GateDecision = z
  .object({
    by: z.string(),
    verdict: z.enum(['approve', 'reject']),
    comment: z.string().nullable(),
    at: time,
  })
  .openapi('GateDecision')

const Attempt = z
  .object({
    attempt: id,
    state: z
      .enum(['running', 'good', 'failed', 'errored', 'lost'])
      .openapi({ description: '`lost`: the server was stopped before an answer came' }),
    status: z.number().int().nullable(),
    words: z.string().nullable(),
    answer: z.string().nullable().openapi({ description: 'The beginning of its body; secrets are masked' }),
    started_at: time,
    ended_at: time.nullable(),
  })
  .openapi('CallAttempt')

/** What the server does at a gate, or hears. */
export const Act = z
  .discriminatedUnion('kind', [
    z.object({
      kind: z.literal('call'),
      service: z.string(),
      method: z.string(),
      path: z.string(),
      attempts: z.array(Attempt),
      next_at: time.nullable(),
    }),
    z.object({
      kind: z.literal('trigger'),
      project: z.string().nullable(),
      pipeline: z.string(),
      job: z.string(),
      lane: z.string().nullable(),
      wait: z.boolean(),
      runs: z.array(z.object({ id, number: id, state: z.enum(RUN_STATES) })),
    }),
    z.object({ kind: z.literal('event'), resource: z.string(), version: z.string().nullable() }),
    z.object({
      kind: z.literal('callback'),
      callback: z.string(),
      called_at: time.nullable(),
      address: z.string().nullable(),
      fields: z.record(z.string(), z.string()).nullable(),
    }),
  ])
  .openapi('GateAct')

export const Gate = z
  .object({
    id,
    run: id,
    number: id.openapi({ description: 'The run’s number among those of its job' }),
    project: z.string(),
    pipeline: z.string(),
    job: z.string(),
    lane: z.string(),
    after_step: z
      .number()
      .int()
      .nullable()
      .openapi({ description: 'The last of the run’s steps that stands before it; null where none does' }),
    name: z.string(),
    kind: z.enum(GATE_KINDS),
    state: z.enum(GATE_STATES),
    words: z.string().openapi({ description: 'What it waits for; of a skipped one why it was passed over' }),
    message: z.string().nullable(),
    form: z.array(Field),
    by: z.array(z.string()).openapi({ description: 'Roles, teams and people; empty: every approver' }),
    count: z.number().int().openapi({ description: 'How many must approve' }),
    author: z
      .boolean()
      .openapi({ description: 'Whether who started the run, or wrote its commit, may decide, too' }),
    values: z
      .record(z.string(), z.string())
      .nullable()
      .openapi({ description: 'What the first who approved filled in; who approves later agrees to it' }),
    decisions: z.array(GateDecision),
    inputs: z
      .array(Input)
      .openapi({ description: 'The very versions that are decided on: a newer one has a gate of its own' }),
    passed_before: z
      .object({ run: id, number: id, inputs: z.array(Input), at: time })
      .nullable()
      .openapi({ description: 'The last run of the job on the lane that passed this gate' }),
    act: Act.nullable().openapi({
      description: 'What the server does there; null where people or a time are waited for',
    }),
    refusal: z
      .string()
      .nullable()
      .openapi({ description: 'Why the asker may not decide; null where they may, and where it is closed' }),
    warning: z.string().nullable().openapi({
      description: 'What a policy warns of, should the asker decide; it stands with the run then',
    }),
    opened_at: time,
    expires_at: time.nullable(),
    on_expire: z.enum(['reject', 'fail', 'approve']),
    closed_at: time.nullable(),
  })
  .openapi('Gate')

const Commits = z.object({
  resource: z.string(),
  from: z.string().openapi({ description: 'The version that was there when the gate was passed last' }),
  to: z.string(),
  known: z.boolean().openapi({ description: 'Whether the history between the two lies on this server' }),
  commits: z
    .array(z.object({ sha: z.string(), title: z.string(), author: z.string() }))
    .openapi({ description: 'The newest 20, the newest first' }),
  more: z.number().int().openapi({ description: 'How many there are besides' }),
  compare: z.string().nullable().openapi({ description: 'Where the forge shows what lies between' }),
})
export const GateCommits = z.object({ items: z.array(Commits), next: z.null() }).openapi('GateCommits')

export const GateList = z.object({
  items: z.array(Gate),
  next: z.string().nullable().openapi({ description: 'Give it as `after` for the next page' }),
})
