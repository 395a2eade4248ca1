import { z } from 'zod'
import { parseDuration } from '../language/duration.ts'
import { globProblem } from '../language/glob.ts'

export const EFFECTS = ['allow', 'warn', 'deny'] as const
const MOST_RULES = 100

const glob = z.string().superRefine((pattern, context) => {
  const problem = globProblem(pattern)
  if (problem !== null) context.addIssue({ code: 'custom', message: problem })
})
const globs = z.union([glob.transform((one) => [one]), z.array(glob).min(1).max(100)])
const DECIDER = /^(\*|author|(person|team|role):\S{1,100})$/
const DECIDERS = 'say *, author, person:…, team:… or role:…; of whom it does not speak, speaks another rule'
const decider = glob.refine((pattern) => DECIDER.test(pattern))
const deciders = z.union([decider.transform((one) => [one]), z.array(decider).min(1).max(100)], {
  error: DECIDERS,
})
const span = z
  .string()
  .max(30)
  .transform((text, context) => {
    const ms = parseDuration(text)
    if (ms !== null && ms > 0) return ms
    context.addIssue({
      code: 'custom',
      message: `\`${text}\` is no span of time such as 90s, 30m, 2h or 90d`,
    })
    return z.NEVER
  })

/** What a rule can speak of; each rule speaks of one. */
export const SUBJECTS = [
  'image',
  'privileged',
  'host',
  'label',
  'secret',
  'run_time_over',
  'keep_over',
  'schedule_under',
  'runs_over',
  'approver',
] as const

const Rule = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9-]{1,100}$/, { error: 'a name has 1 to 100 characters out of a-z, 0-9 and -' }),
    effect: z.enum(EFFECTS),
    /** Only there; without them everywhere in the organization. */
    projects: globs.optional(),
    lanes: globs.optional(),
    /** By its full name: `docker.io/library/node:22`. */
    image: globs.optional(),
    /** Of those images only the ones that no digest pins. */
    digest: z.literal('missing').optional(),
    /** Images that would run with all powers of root, where the runner's operator lets them: by their full name, which ends in a digest. */
    privileged: globs.optional(),
    /** Where resources lie. */
    host: globs.optional(),
    /** What a job asks of its runner. */
    label: globs.optional(),
    secret: globs.optional(),
    run_time_over: span.optional(),
    keep_over: span.optional(),
    schedule_under: span.optional(),
    /** How many runs may be under way at once; what is more waits. */
    runs_over: z.number().int().min(1).max(10_000).optional(),
    /** Of each project by itself, or of all that the rule is for in the organization together. */
    per: z.enum(['project', 'organization']).optional(),
    /** Who decides at a gate: `person:ada`, `team:release`, `role:maintainer` (and above), `author`. */
    approver: deciders.optional(),
    /** Said with the rule, to whom it stops. */
    message: z.string().max(500).optional(),
  })
  .superRefine((rule, context) => {
    const of = SUBJECTS.filter((subject) => rule[subject] !== undefined)
    if (of.length !== 1)
      context.addIssue({
        code: 'custom',
        message: `the rule \`${rule.name}\` speaks of ${of.length === 0 ? 'nothing' : of.join(' and ')}; give it one of ${SUBJECTS.join(', ')}`,
      })
    if (rule.per !== undefined && rule.runs_over === undefined)
      context.addIssue({
        code: 'custom',
        message: `the rule \`${rule.name}\`: \`per\` goes with \`runs_over\``,
      })
    if (rule.digest !== undefined && rule.image === undefined)
      context.addIssue({ code: 'custom', message: `the rule \`${rule.name}\`: \`digest\` narrows \`image\`` })
  })

/** The policies of an organization, in their order: of each thing the first rule that speaks of it decides. */
export const PolicyRules = z
  .array(Rule)
  .max(MOST_RULES)
  .superRefine((rules, context) => {
    const names = rules.map(({ name }) => name)
    const twice = names.find((name, at) => names.indexOf(name) !== at)
    if (twice !== undefined)
      context.addIssue({
        code: 'custom',
        path: [names.lastIndexOf(twice), 'name'],
        message: `two rules are called \`${twice}\`; name each differently`,
      })
  })
export type PolicyRule = z.output<typeof Rule>
export type PolicyRules = readonly PolicyRule[]
