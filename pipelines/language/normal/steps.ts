import type { z } from 'zod'
import type { Path } from '../diagnostic.ts'
import type {
  Act,
  Call,
  FormField,
  Gate,
  Group,
  Hooks,
  Retry,
  Step,
  TemplateUse,
  TriggerJob,
  Wait,
} from '../step.ts'
import type { Field, Form } from '../shape/forms.ts'
import type { approve, retry, Step as Written } from '../shape/steps.ts'
import { entriesOf, isList, listed, type Note } from './forms-of-writing.ts'

const DEFAULT_DELAY_MS = 5_000
const NO_HOOKS: Hooks = { onSuccess: [], onFailure: [], onError: [], onCancel: [], always: [] }

/** A step with nothing besides what it does. */
const bare = (act: Act): Step => ({
  name: null,
  image: null,
  env: {},
  if: null,
  retry: null,
  timeoutMs: null,
  allowFailure: false,
  hooks: NO_HOOKS,
  ...act,
})

type ShortForm = Pick<Written, 'approve' | 'run' | 'put'>
/** A job's short form as steps, in the order in which they happen: the gate, the commands, what comes of them. */
export function shortSteps(job: ShortForm, path: Path, note: Note): Step[] {
  const acts = (['approve', 'run', 'put'] as const).filter((act) => job[act] !== undefined)
  return acts.flatMap((act) => stepsOf({ [act]: job[act] }, path, note))
}

/** A written step as one or, where it names several resources, as several. */
export function stepsOf(written: Written, path: Path, note: Note): Step[] {
  const around = {
    name: written.name ?? null,
    image: written.image ?? null,
    env: written.env ?? {},
    if: written.if ?? null,
    retry: retryOf(written.retry),
    timeoutMs: written.timeout ?? null,
    allowFailure: written.allow_failure ?? false,
    hooks: hooksOf(written, path, note),
  }
  return actsOf(written, path, note).map(({ act, place }) => note({ ...around, ...act }, place))
}

type Hooked = Pick<Written, 'on_success' | 'on_failure' | 'on_error' | 'on_cancel' | 'always'>
export function hooksOf(written: Hooked, path: Path, note: Note): Hooks {
  const hook = (key: keyof Hooked): Step[] => {
    const body = written[key]
    const place = [...path, key]
    if (body === undefined) return []
    if (typeof body !== 'string' && !isList(body)) return stepsOf(body, place, note)
    return [note(bare({ kind: 'run', commands: listed(body) }), { path: place, at: 'value' })]
  }
  return {
    onSuccess: hook('on_success'),
    onFailure: hook('on_failure'),
    onError: hook('on_error'),
    onCancel: hook('on_cancel'),
    always: hook('always'),
  }
}

type Placed = { readonly act: Act; readonly place: { path: Path; at: 'key' | 'value' } }

/** What the step does. The schema has seen to it that this is exactly one thing. */
function actsOf(written: Written, path: Path, note: Note): Placed[] {
  const one = (key: string, act: Act): Placed[] => [{ act, place: { path: [...path, key], at: 'key' } }]
  const inside = (key: Path, steps: readonly Written[]) =>
    steps.flatMap((step, index) => stepsOf(step, [...path, ...key, index], note))
  if (written.get !== undefined)
    return entriesOf(written.get, [...path, 'get']).map(({ name, body, place }) => ({
      act: { kind: 'get', resource: name, version: body.version ?? 'latest', params: body.params ?? {} },
      place,
    }))
  if (written.put !== undefined)
    return entriesOf(written.put, [...path, 'put']).map(({ name, body, place }) => ({
      act: { kind: 'put', resource: name, params: Object.fromEntries(Object.entries(body).filter(isGiven)) },
      place,
    }))
  if (written.parallel)
    return one('parallel', {
      kind: 'parallel',
      steps: inside(['parallel'], written.parallel),
      ...groupOf(written),
    })
  if (written.for_each) {
    const { in: items, as = 'item', steps } = written.for_each
    const each = inside(['for_each', 'steps'], steps)
    const group = groupOf({ ...written, mode: written.mode ?? 'sequential' })
    return one('for_each', { kind: 'for_each', items, as, steps: each, ...group })
  }
  return [...one(simpleKey(written), simpleAct(written))]
}

const isGiven = <V>(entry: [string, V | undefined]): entry is [string, V] => entry[1] !== undefined

const SIMPLE = ['run', 'approve', 'wait', 'call', 'trigger', 'checkpoint', 'use'] as const
const simpleKey = (written: Written): string => SIMPLE.find((key) => written[key] !== undefined) ?? 'run'

function simpleAct(written: Written): Act {
  if (written.approve !== undefined) return { kind: 'approve', ...gateOf(written.approve) }
  if (written.wait !== undefined) return { kind: 'wait', wait: waitOf(written.wait) }
  if (written.call) {
    return { kind: 'call', ...callOf(written.call) }
  }
  if (written.trigger !== undefined) return { kind: 'trigger', ...triggerOf(written.trigger) }
  if (written.checkpoint !== undefined) return { kind: 'checkpoint', label: written.checkpoint }
  if (written.use !== undefined) return { kind: 'use', ...useOf(written.use, written.with) }
  return { kind: 'run', commands: listed(written.run) }
}

export const useOf = (
  template: string,
  given: Readonly<Record<string, string>> | undefined,
): TemplateUse => ({
  template,
  with: given ?? {},
})

export function groupOf(written: Pick<Written, 'mode' | 'max_parallel' | 'fail_fast'>): Group {
  const { mode = 'parallel', max_parallel = null, fail_fast = true } = written
  return { mode, maxParallel: max_parallel, failFast: fail_fast }
}

export function retryOf(written: z.output<typeof retry> | undefined): Retry | null {
  if (written === undefined) return null
  const {
    max = 1,
    on,
    backoff = 'fixed',
    delay = DEFAULT_DELAY_MS,
  } = typeof written === 'number' ? { max: written } : written
  return { max, on: on === undefined ? ['failed', 'errored'] : listed(on), backoff, delayMs: delay }
}

export function gateOf(written: z.output<typeof approve>): Gate {
  if (written === 'true') return gateOf({})
  if (typeof written === 'string' || isList(written)) return gateOf({ by: [...listed(written)] })
  const { by, count = 1, author = true, within = null, on_expire = 'reject', message = null, form } = written
  return { by: listed(by), count, author, withinMs: within, onExpire: on_expire, message, form: formOf(form) }
}

function callOf(written: NonNullable<Written['call']>): Call {
  const {
    service,
    method = 'GET',
    path = '/',
    headers = {},
    body = null,
    expect = {},
    outputs = {},
  } = written
  const { status, json = {} } =
    typeof expect === 'number' || isList(expect) ? { status: expect, json: {} } : expect
  const stands = Object.entries(json).map(([place, values]) => [place, listed(values)])
  return {
    ...{ service, method, path, headers, body, outputs },
    ...{ expect: listed(status), json: Object.fromEntries(stands) },
  }
}

function waitOf(written: NonNullable<Written['wait']>): Wait {
  if (typeof written === 'number') return { for: 'span', ms: written }
  if (written.event !== undefined)
    return { for: 'event', resource: written.event, withinMs: written.within ?? null }
  if (written.callback !== undefined)
    return { for: 'callback', callback: written.callback, withinMs: written.within ?? null }
  if (written.for !== undefined) return { for: 'span', ms: written.for }
  return { for: 'time', until: written.until ?? '' }
}

function triggerOf(written: NonNullable<Written['trigger']>): TriggerJob {
  const {
    job: address,
    inputs = {},
    lane = null,
    wait = true,
  } = typeof written === 'string' ? { job: written } : written
  const [job = '', pipeline = '', project = null] = address.split('/').toReversed()
  return { project, pipeline, job, inputs, lane, wait }
}

export const formOf = (form: Form | undefined): FormField[] =>
  Object.entries(form ?? {}).map(([name, field]) => fieldOf(name, field))

function fieldOf(name: string, field: Field): FormField {
  if (typeof field === 'string') return fieldOf(name, spelledOut(field))
  if (isList(field)) return fieldOf(name, { choice: [...field] })
  const around = {
    name,
    label: field.label ?? null,
    default: field.default ?? null,
    required: field.required ?? true,
  }
  if ('choice' in field) return { ...around, kind: 'choice', choices: field.choice }
  if ('bool' in field) return { ...around, kind: 'bool' }
  if ('text' in field)
    return { ...around, kind: 'text', min: field.text.min ?? null, max: field.text.max ?? null }
  const { min = null, max = null, step = null } = field.number
  return { ...around, kind: 'number', min, max, step }
}

const spelledOut = (kind: 'text' | 'number' | 'bool'): Field =>
  kind === 'text' ? { text: {} } : kind === 'number' ? { number: {} } : { bool: {} }
