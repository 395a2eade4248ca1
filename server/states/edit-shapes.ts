import { z } from '@hono/zod-openapi'
import { ENV_NAME } from '#pipelines/language/shape/scalars.ts'
import { lane, LegText, State } from './shapes.ts'

const MOST_PATH = 1_000
const path = z.string().min(1).max(MOST_PATH)
export const stateKey = z
  .string()
  .regex(ENV_NAME, { error: 'a key is up to 100 of A-Z, a-z, 0-9 and `_`, and begins with no digit' })

export const reason = z
  .string()
  .trim()
  .min(1, { error: 'say why: the history tells it' })
  .max(1_000)
  .openapi({ description: 'Why; the history tells it' })

export const where = {
  lane,
  leg: LegText.optional().openapi({ description: 'The leg of a job with a matrix' }),
}

const content = z.union([
  z.strictObject({ path, text: z.string() }),
  z.strictObject({ path, base64: z.base64() }),
])

export const keyChange = {
  set: z
    .record(stateKey, z.string().max(20_000))
    .refine((set) => Object.keys(set).length <= 200, { error: 'at most 200 keys' })
    .default({})
    .openapi({ description: 'Keys to set, of a resource' }),
  unset: z.array(stateKey).max(200).default([]).openapi({ description: 'Keys that go' }),
  overwrite: z
    .boolean()
    .default(false)
    .openapi({ description: 'Whether the keys that `set` does not name go, too' }),
}

export const StateEdit = z.object({
  ...where,
  reason,
  ...keyChange,
  write: z
    .array(content)
    .max(50)
    .default([])
    .openapi({ description: 'Files, each whole; larger ones come from runs' }),
  remove: z
    .array(path)
    .max(200)
    .default([])
    .openapi({ description: 'Paths that go; of a folder with all that is in it' }),
})

/** What became of a change: the newest version. */
export const StateNow = State.pick({
  ...({ of: true, name: true, lane: true, leg: true, version: true, made_at: true } as const),
  ...({ by: true, reason: true, restored: true, run: true, files: true, bytes: true, keys: true } as const),
}).openapi('StateNow')
