import { z } from 'zod'
import { Form, people } from './forms.ts'
import { gets } from './edges.ts'
import {
  env,
  flag,
  image,
  key,
  listOf,
  longSpan,
  mapping,
  name,
  oneOf,
  ruled,
  shortSpan,
  some,
  someText,
  type Told,
  text,
  whole,
} from './scalars.ts'

export const commands = some(text.min(1, { error: 'a command must not be empty' }), 200)

const RETRY_ON = ['failed', 'errored', 'timeout', 'signal'] as const
const retryOn = ruled({ rule: 'value', near: [...RETRY_ON, 'exit:137'] }, (value) =>
  [...RETRY_ON].some((word) => word === value) || /^exit:([1-9]\d?|1\d\d|2[0-4]\d|25[0-5])$/.test(value)
    ? null
    : `\`${value}\` is none of ${RETRY_ON.join(', ')}, exit:1 to exit:255`,
)
export const retry = z.union([
  whole(0, 20),
  z.strictObject({
    max: key(whole(0, 20), 'How often it is tried again'),
    on: key(some(retryOn, 20), 'The endings that are tried again; `failed` and `errored` when absent'),
    backoff: key(oneOf('fixed', 'exponential'), 'How the pause grows'),
    delay: key(shortSpan, 'The first pause'),
  }),
])

export const use = ruled({ rule: 'template' }, templateProblem)
const TEMPLATE =
  /^(?<repo>\.|[A-Za-z0-9][A-Za-z0-9._/:@~-]*)\/\/(?<path>[A-Za-z0-9._][A-Za-z0-9._/-]*)@(?<sha>[0-9a-f]{40}|[0-9a-f]{64})$/
/** What is wrong with the reference to a template, in words. */
function templateProblem(written: string): string | null {
  if (!written.includes('//')) return `\`${written}\` names no file: write \`repository//path@commit\``
  const at = written.lastIndexOf('@')
  if (at < 0) return `\`${written}\` is not pinned: write \`@\` and the full hash of a commit after the path`
  if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(written.slice(at + 1)))
    return `\`${written.slice(at + 1)}\` is not the full hash of a commit: a branch or tag could change under you`
  const path = TEMPLATE.exec(written)?.groups?.['path']
  return path === undefined || path.split('/').includes('..')
    ? `\`${written}\` is not \`repository//path@commit\``
    : null
}

export const Approve = z.strictObject({
  by: key(people, 'Teams and people who may say yes; everyone with write access when absent'),
  count: key(whole(1, 20), 'How many of them must; 1 when absent'),
  author: key(flag, 'Whether who started the run, or wrote its commit, may decide, too; true when absent'),
  within: key(longSpan, 'How long it waits'),
  on_expire: key(oneOf('reject', 'fail', 'approve'), 'What happens then; `reject` when absent'),
  message: key(someText, 'What people read before they decide'),
  form: key(Form, 'What they fill in; a field `rollout` arrives as INPUT_ROLLOUT'),
})
export const approve = z.union([people, Approve])

export const puts = z.union([name, z.array(name).min(1).max(20), z.record(name, mapping)])

const Wait = z.strictObject({
  event: key(name, 'The event resource whose next version ends the wait'),
  for: key(longSpan, 'How long to wait'),
  until: key(someText, 'The time to wait for, such as 2026-12-01T09:00Z, or a value that holds one'),
  callback: key(name, 'Somebody outside is to call the one-time address $(callback-url.<name>)'),
  within: key(longSpan, 'How long an event or a callback may take'),
})
const status = whole(100, 599)
const bodyPath = ruled({ rule: 'value' }, (value) =>
  /^[A-Za-z0-9_-]{1,100}(\.[A-Za-z0-9_-]{1,100}){0,9}$/.test(value)
    ? null
    : `\`${value}\` is no place in an answer such as \`data.items.0.id\``,
)
const outputName = ruled({ rule: 'name' }, (value) =>
  /^[a-z][a-z0-9_]{0,49}$/.test(value) ? null : `\`${value}\`: a value is named with a-z, 0-9 and _`,
)
const Expect = z.strictObject({
  status: key(some(status, 20), 'The answers that are good; 200 to 299 when absent'),
  json: key(
    z.record(bodyPath, some(text, 20)),
    'What must stand at places of its JSON: one of the values that are named',
  ),
})
const Call = z.strictObject({
  service: name.describe('A service that the project declares'),
  method: key(oneOf('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'), 'GET when absent'),
  path: key(text, 'The path under the address of the service'),
  headers: key(z.record(someText, text), 'Headers to send'),
  body: key(text, 'What to send'),
  expect: key(
    z.union([some(status, 20), Expect]),
    'The answers that are good: their status, and what stands in them; 200 to 299 when absent',
  ),
  outputs: key(z.record(outputName, bodyPath), 'Places of its JSON that become values: $(input.<name>)'),
})
const TriggerJob = z.strictObject({
  job: someText.describe('`pipeline/job`, or `project/pipeline/job`'),
  inputs: key(z.record(someText, text), 'What its form is filled in with'),
  lane: key(someText, 'The lane to run it on; this one when absent'),
  wait: key(flag, 'Whether to go on only when it has ended, and end as it did; true when absent'),
})

/** How many things at once, and whether the first that fails ends the others. */
export const group = {
  mode: key(oneOf('sequential', 'parallel'), 'One after the other, or at once'),
  max_parallel: key(whole(1, 256), 'The most that run at once'),
  fail_fast: key(flag, 'Whether the first that fails cancels the others'),
}

/** One step as it is written: what it is called and when it runs, and one thing that it does. */
const Plain = z.strictObject({
  name: key(someText, 'What the step is called'),
  image: key(image, 'The image it runs in; the one of the job when absent'),
  env: key(env, 'Variables besides those of the job'),
  if: key(someText, 'Runs only when this holds'),
  retry: key(retry, 'How often it is tried again'),
  timeout: key(shortSpan, 'How long it may take'),
  allow_failure: key(flag, 'Whether the job goes on when it fails'),
  run: key(commands, 'Commands for one shell; each item of a list is a fold of the log with its own time'),
  get: key(gets, 'Resources to fetch'),
  put: key(puts, 'Resources to write'),
  approve: key(approve, 'A gate: people decide'),
  wait: key(z.union([longSpan, Wait]), 'A gate: an event or a time'),
  call: key(Call, 'A request to a declared service'),
  trigger: key(z.union([someText, TriggerJob]), 'A job of another pipeline'),
  checkpoint: key(someText, 'A place to run again from'),
  use: key(use, 'A template whose steps stand here: `repository//path@commit`'),
  with: key(z.record(someText, text), 'What the template is told'),
  ...group,
})

/** What a step does; exactly one of these. */
export const ACTS = [
  'run',
  'get',
  'put',
  'approve',
  'wait',
  'call',
  'parallel',
  'for_each',
  'trigger',
  'checkpoint',
  'use',
] as const
export const HOOKS = ['on_success', 'on_failure', 'on_error', 'on_cancel', 'always'] as const

type Hook<Step> = string | string[] | Step
type ForEach<Step> = { in: string | string[]; as?: string | undefined; steps: Step[] }
type Nested<Step> = {
  parallel?: Step[] | undefined
  for_each?: ForEach<Step> | undefined
  on_success?: Hook<Step> | undefined
  on_failure?: Hook<Step> | undefined
  on_error?: Hook<Step> | undefined
  on_cancel?: Hook<Step> | undefined
  always?: Hook<Step> | undefined
}
type PlainStep = z.output<typeof Plain>
type PlainInput = z.input<typeof Plain>
/** A step nests steps, and so its type must be spelled out. */
export interface Step extends PlainStep, Nested<Step> {}
interface StepInput extends PlainInput, Nested<StepInput> {}

const eachName = ruled({ rule: 'name' }, (value) =>
  /^[a-z][a-z0-9_]{0,49}$/.test(value) ? null : `\`${value}\`: an item is named with a-z, 0-9 and _`,
)

export const step: z.ZodType<Step, StepInput> = z.lazy(() =>
  Plain.extend({
    parallel: key(listOf(step, 100), 'Steps that run at once'),
    for_each: key(
      z.strictObject({
        in: z
          .union([someText, listOf(text, 256)])
          .describe('The items, or a value that holds them, one a line'),
        as: key(eachName, 'What an item is called; `item` when absent: $(each.item) and EACH_ITEM'),
        steps: listOf(step, 100).describe('The steps to run for each item'),
      }),
      'Steps that run once for each item',
    ),
    ...hooks,
  }).superRefine(oneAct),
)

const hook = z.lazy(() => z.union([commands, step]))
/** What runs at the end of a step or a job. */
export const hooks = {
  on_success: key(hook, 'Runs when it succeeded'),
  on_failure: key(hook, 'Runs when it failed'),
  on_error: key(hook, 'Runs when the machine failed, not the author'),
  on_cancel: key(hook, 'Runs when the run was cancelled'),
  always: key(hook, 'Runs at the end, whatever happened'),
}

export const steps = listOf(step, 100)

function oneAct(written: object, ctx: z.RefinementCtx): void {
  const acts = ACTS.filter((act) => act in written)
  if (acts.length === 1) return
  const params: Told = { rule: 'step-kind', hint: `one of ${ACTS.join(', ')}` }
  const message =
    acts.length === 0
      ? 'this step does nothing'
      : `a step does one thing, and this one has ${acts.join(' and ')}`
  ctx.addIssue({ code: 'custom', message, params, path: acts[1] ? [acts[1]] : [] })
}
