import { z } from '@hono/zod-openapi'
import { MOST_REF_BYTES } from '#pipelines/refs.ts'
import { OwnRole } from '../catalog/shapes.ts'

const name = z.string().max(100)
export const InPipeline = z.object({ project: name, pipeline: name })
export const StatePath = InPipeline.extend({
  of: z.enum(['jobs', 'resources']).openapi({ description: 'Whether a job remembers it, or a resource' }),
  name,
})
export const lane = z
  .string()
  .max(MOST_REF_BYTES)
  .optional()
  .openapi({ description: 'The lane; without it the default branch’s' })
const leg = z
  .string()
  .max(4_000)
  .optional()
  .openapi({ description: 'The leg of a job with a matrix, as JSON: `{"node":"22"}`' })
export const number = z.coerce.number().int().min(0).max(999_999_999)
const version = number
  .optional()
  .openapi({ type: 'integer', description: 'A version; without it the newest' })
export const OnLeg = z.object({ lane, leg })
export const OfVersion = OnLeg.extend({ version })

/** What a leg is, once it is read. */
export const LegText = z
  .record(z.string().max(200), z.string().max(1_000))
  .refine((leg) => Object.keys(leg).length <= 20, { error: 'at most 20 dimensions' })

const time = z.iso.datetime()
const who = {
  version: z.number().int().openapi({ description: 'Counted from 1; 0: nothing yet. Also the ETag' }),
  made_at: time.nullable(),
  by: z.string().nullable().openapi({ description: 'The person that made it; null: a run, or the file' }),
  reason: z.string().nullable(),
  restored: z.number().int().nullable().openapi({ description: 'The version that it is again' }),
  run: z
    .object({ id: z.number().int(), job: z.string(), number: z.number().int() })
    .nullable()
    .openapi({ description: 'The run that made it' }),
  files: z.number().int(),
  bytes: z.number().int().openapi({ description: 'Of all its files' }),
  keys: z.number().int(),
}
const what = {
  of: z.enum(['job', 'state', 'params']).openapi({ description: 'A job, or a resource of this kind' }),
  name: z.string(),
  lane: z.string(),
  leg: LegText.nullable(),
}
const room = {
  used: z.number().int().openapi({ description: 'Bytes that the project remembers' }),
  limit: z.number().int().openapi({ description: 'Bytes that fit (TAKT_STATE_MIB)' }),
}

export const StateList = z
  .object({ lane: z.string(), items: z.array(z.object({ ...what, ...who })), next: z.null(), ...room })
  .openapi('StateList')

export const StateKey = z.object({
  key: z.string(),
  value: z.string().openapi({ description: 'The beginning of a long one, secrets hidden' }),
  bytes: z.number().int(),
  whole: z.boolean(),
  masked: z.boolean().openapi({ description: 'Whether a secret was hidden in it' }),
})
export const StateFile = z.object({
  path: z.string(),
  kind: z.enum(['file', 'folder', 'symlink', 'hardlink']),
  bytes: z.number().int(),
  mode: z.number().int().openapi({ description: 'Nine bits, as in `chmod`' }),
  target: z.string().nullable().openapi({ description: 'Where a link points' }),
})

export const State = z
  .object({
    ...what,
    ...who,
    newest: z.number().int().openapi({ description: 'The newest version' }),
    values: z.array(StateKey),
    entries: z.array(StateFile),
    next: z.string().nullable().openapi({ description: 'Give it as `after` for more files' }),
    fixed: z
      .string()
      .nullable()
      .openapi({ description: 'Why nobody edits it, in words; null where one may' }),
    role: OwnRole,
    under_way: z.array(z.number().int()).openapi({
      description:
        'Runs of the job on the lane that are not over: what they leave becomes the newest version',
    }),
    ...room,
  })
  .openapi('State', { description: 'What a job or a resource remembers on a lane' })

export const StateHistory = z
  .object({ items: z.array(z.object(who)), next: z.string().nullable() })
  .openapi('StateHistory')

export const StateContent = z
  .object({
    version: z.number().int(),
    path: z.string().nullable(),
    key: z.string().nullable(),
    bytes: z.number().int(),
    kind: z.enum(['text', 'binary']),
    text: z.string().nullable().openapi({ description: 'Null where it is no text' }),
    cut: z.boolean().openapi({ description: 'Whether there is more of it' }),
    masked: z.boolean().openapi({ description: 'Whether a secret was hidden in it' }),
  })
  .openapi('StateContent')

const change = z.enum(['added', 'removed', 'changed'])
const line = z.string().openapi({ description: 'A line, behind ` `, `-` or `+`' })
const hunks = z.array(z.object({ before: z.number().int(), after: z.number().int(), lines: z.array(line) }))
export const StateDiff = z
  .object({
    from: z.number().int(),
    to: z.number().int(),
    values: z.array(
      z.object({ key: z.string(), change, before: z.string().nullable(), after: z.string().nullable() }),
    ),
    files: z.array(
      z.object({
        path: z.string(),
        change,
        kind: z.enum(['text', 'binary', 'other']),
        before: z.number().int().nullable().openapi({ description: 'Bytes' }),
        after: z.number().int().nullable().openapi({ description: 'Bytes' }),
        hunks: hunks.openapi({ description: 'None where it is no text, or too long' }),
        cut: z.boolean().openapi({ description: 'Whether it is too long to be compared line by line' }),
      }),
    ),
    more: z.number().int().openapi({ description: 'Further files that differ' }),
  })
  .openapi('StateDiff')
