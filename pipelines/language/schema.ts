import { z } from 'zod'
import { parseDuration } from './duration.ts'

/**
 * The shape of a pipeline file.
 *
 * The parser hands every scalar over as its source text (`3.10` stays `3.10`), so numbers and durations are read here,
 * and only where the language means them. Objects are strict: an unknown key is an error.
 */

export const NAME = /^[a-z0-9-]{1,100}$/
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,99}$/
const MAX_TIMEOUT_MS = 7 * 86_400_000

const name = z.string().regex(NAME, { error: 'a name has 1 to 100 characters out of a-z, 0-9 and -' })
const text = z.string().max(20_000, { error: 'a text has at most 20,000 characters' })
const oneOrMore = <T extends z.ZodType>(item: T, most: number) =>
  z.union([item.transform((one) => [one]), z.array(item).min(1).max(most)]) as z.ZodType<z.output<T>[]>

const timeout = text.transform((value, ctx) => {
  const ms = parseDuration(value)
  if (ms !== null && ms > 0 && ms <= MAX_TIMEOUT_MS) return ms
  ctx.addIssue({
    code: 'custom',
    message: `\`${value}\` is not a time span between 1s and 7d, such as 90s, 30m or 1h30m`,
  })
  return z.NEVER
})

const flag = z
  .enum(['true', 'false'], { error: 'expected true or false' })
  .transform((word) => word === 'true')

const image = text.regex(/^[A-Za-z0-9][A-Za-z0-9._:/@-]*$/, {
  error: 'an image reference looks like `node:22` or `registry/name@sha256:…`',
})

const env = z.record(
  z
    .string()
    .regex(ENV_NAME, { error: 'a variable name has letters, digits and _, and does not begin with a digit' }),
  text,
)

const gitResource = z.strictObject({
  /** `.` is the repository this file lies in. */
  git: text.min(1),
  branch: text.min(1).optional(),
})

const getEdges = z.union([
  oneOrMore(name, 50).transform((names) => names.map((resource) => ({ resource, trigger: true }))),
  z
    .record(name, z.strictObject({ trigger: flag.default(true) }))
    .transform((edges) => Object.entries(edges).map(([resource, edge]) => ({ resource, ...edge }))),
])

const needsEdges = z.union([
  oneOrMore(name, 100).transform((names) => names.map((job) => ({ job, trigger: true }))),
  z
    .record(name, z.strictObject({ trigger: flag.default(true) }))
    .transform((edges) => Object.entries(edges).map(([job, edge]) => ({ job, ...edge }))),
])

const job = z.strictObject({
  get: getEdges.optional(),
  needs: needsEdges.optional(),
  image: image.optional(),
  env: env.optional(),
  timeout: timeout.optional(),
  /** One shell; each item is a log fold with its own time. */
  run: oneOrMore(text.min(1, { error: 'a command must not be empty' }), 200),
})

export const PipelineFile = z.strictObject({
  resources: z.record(name, gitResource).optional(),
  triggers: z
    .strictObject({
      /** Branches whose pushes become versions; every branch when absent. */
      push: oneOrMore(text.min(1), 50).optional(),
      /** Tags that become versions; none when absent. */
      tag: oneOrMore(text.min(1), 50).optional(),
    })
    .optional(),
  defaults: z
    .strictObject({ image: image.optional(), timeout: timeout.optional(), env: env.optional() })
    .optional(),
  jobs: z
    .record(name, job)
    .refine((jobs) => Object.keys(jobs).length > 0, { error: 'a pipeline needs at least one job' }),
})
export type PipelineFile = z.output<typeof PipelineFile>
