import { z } from 'zod'
import { parseCron } from '../cron.ts'
import { parseDuration } from '../duration.ts'
import { globProblem } from '../glob.ts'
import type { Rule } from '../rules.ts'
import { isTimeZone, timeZones } from '../zone.ts'

/**
 * The words a pipeline file is made of.
 *
 * The reader hands every scalar over as its source text (`3.10` stays `3.10`), so numbers, flags and time spans are read here,
 * and only where the language means them. `meta` says what an editor may see in their place.
 */

export const NAME = /^[a-z0-9-]{1,100}$/
/** `__proto__` is no key of a JavaScript object like another: it would be passed over in silence. */
export const ENV_NAME = /^(?!__proto__$)[A-Za-z_][A-Za-z0-9_]{0,99}$/
const DAY_MS = 86_400_000

const ANY_SCALAR = { type: ['string', 'number', 'boolean'] }
export const text = z.string().max(20_000, { error: 'a text has at most 20,000 characters' }).meta(ANY_SCALAR)
export const someText = text.min(1, { error: 'a text must not be empty' })

/** What an issue may carry besides its words: the rule it breaks, and what to do. */
export type Told = { readonly rule: Rule; readonly hint?: string; readonly near?: readonly string[] }

/** A text that must pass a check of its own. */
export const ruled = (told: Told, problem: (value: string) => string | null) =>
  text.superRefine((value, ctx) => {
    const message = problem(value)
    if (message !== null) ctx.addIssue({ code: 'custom', message, params: { ...told, written: value } })
  })

export const name = z
  .string()
  .regex(NAME, { error: 'a name has 1 to 100 characters out of a-z, 0-9 and -' })
  .meta({ type: ['string', 'integer'] })

export const envName = ruled({ rule: 'env-name' }, (value) =>
  ENV_NAME.test(value)
    ? null
    : 'a variable name has letters, digits and _, and does not begin with a digit: a shell can export no other',
).meta({ type: 'string', pattern: ENV_NAME.source })

export const env = z.record(envName, text)

const span = (most: { readonly ms: number; readonly words: string }) =>
  text.meta({ type: 'string', pattern: '^([0-9]+[smhd])+$' }).transform((value, ctx) => {
    const ms = parseDuration(value)
    if (ms !== null && ms > 0 && ms <= most.ms) return ms
    const message = `\`${value}\` is not a time span between 1s and ${most.words}, such as 90s, 30m or 1h30m`
    ctx.addIssue({ code: 'custom', message })
    return z.NEVER
  })
/** For what a run does. */
export const shortSpan = span({ ms: 7 * DAY_MS, words: '7d' })
/** For what is kept or waited for. */
export const longSpan = span({ ms: 3_650 * DAY_MS, words: '3650d' })

export const flag = z
  .enum(['true', 'false'], { error: 'expected true or false' })
  .meta({ type: ['boolean', 'string'], enum: [true, false, 'true', 'false'] })
  .transform((word) => word === 'true')

export const whole = (least: number, most: number) =>
  text
    .meta({ type: ['integer', 'string'], pattern: '^-?[0-9]+$', minimum: least, maximum: most })
    .transform((value, ctx) => {
      const number = Number(value)
      if (/^-?\d{1,15}$/.test(value) && number >= least && number <= most) return number
      ctx.addIssue({ code: 'custom', message: `\`${value}\` is not a whole number from ${least} to ${most}` })
      return z.NEVER
    })

export const decimal = text.meta({ type: ['number', 'string'] }).transform((value, ctx) => {
  if (/^-?\d{1,15}(\.\d{1,10})?$/.test(value)) return Number(value)
  ctx.addIssue({ code: 'custom', message: `\`${value}\` is not a number such as 3 or 0.5` })
  return z.NEVER
})

const IMAGE = /^[A-Za-z0-9][A-Za-z0-9._:/@-]*$/
/** A place that a value is put into counts as a letter here; what it becomes is checked when it is known. */
export const image = ruled({ rule: 'value' }, (value) =>
  IMAGE.test(value.replaceAll(/\$\([^()]*\)/g, 'x'))
    ? null
    : 'an image reference looks like `node:22` or `registry/name@sha256:…`',
)

export const glob = ruled({ rule: 'glob' }, (value) => {
  const problem = globProblem(value)
  return problem && `\`${value}\` matches nothing: ${problem}`
})

export const cron = ruled(
  { rule: 'cron', hint: 'such as `0 3 * * 1-5`: at three, Monday to Friday' },
  (value) => {
    const parsed = parseCron(value)
    return 'problem' in parsed ? `\`${value}\` is not a schedule: ${parsed.problem}` : null
  },
)

export const zone = ruled({ rule: 'zone', near: timeZones() }, (value) =>
  isTimeZone(value) ? null : `there is no time zone \`${value}\``,
)

export const secretName = ruled({ rule: 'name' }, (value) =>
  ENV_NAME.test(value) ? null : `\`${value}\`: a secret is named like a variable, such as DEPLOY_KEY`,
)

export const oneOf = <const Words extends readonly [string, ...string[]]>(...words: Words) => z.enum(words)

export const listOf = <T extends z.ZodType>(item: T, most: number) => z.array(item).min(1).max(most)
/** One, or a list of them. */
export const some = <T extends z.ZodType>(item: T, most: number) => z.union([item, listOf(item, most)])

/** A key that may be left out, and the sentence that editors show for it. */
export const key = <T extends z.ZodType>(schema: T, sentence: string) => schema.optional().describe(sentence)

/** Anything: for what an image of the author's own understands. */
export type Tree = string | number | boolean | null | readonly Tree[] | { readonly [key: string]: Tree }
export const tree: z.ZodType<Tree, Tree> = z.lazy(() =>
  z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(tree), z.record(z.string(), tree)]),
)
export const mapping = z.record(z.string().max(200), tree)
