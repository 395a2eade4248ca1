import type { Values } from '../language/expression/interpolate.ts'
import { evaluate } from '../language/expression/evaluate.ts'
import type { FormField, Gate, Step } from '../language/step.ts'
import { callIn, type GateAct, heardAt, triggerIn } from './acts.ts'
import { type Ask, askedFor } from './compile-ask.ts'
import { type Impossible, putIn } from './put-in.ts'

/** A step of the server: people or a time are waited for, and no runner has the run meanwhile. */
export const GATE_KINDS = ['approve', 'wait', 'call', 'trigger'] as const
export type GateKind = (typeof GATE_KINDS)[number]
export type GateStep = Extract<Step, { kind: GateKind }>

export const isGate = (step: Step): step is GateStep => GATE_KINDS.some((kind) => kind === step.kind)

/** A gate as it opens, its values put in. */
export type OpenGate = Pick<Gate, 'by' | 'count' | 'author' | 'message' | 'form' | 'onExpire'> & {
  readonly name: string
  readonly kind: GateKind
  /** What it waits for, in words. */
  readonly words: string
  /** How long it waits; null where that is no question of a span. */
  readonly withinMs: number | null
  /** Until when it waits, ISO 8601; null where that is no question of a moment. */
  readonly until: string | null
  /** What the server does there; null where people or a time are waited for. */
  readonly act: GateAct | null
}

/**
 * The gate as it opens for one run, why it is passed over, or why it cannot open: a value that the run has not, or a moment that is
 * none.
 */
export function openingOf(
  step: GateStep,
  values: Values,
): { readonly gate: OpenGate } | { readonly skip: string; readonly name: string } | Impossible {
  return askedFor((ask) => {
    const name = step.name === null ? step.kind : ask(putIn(step.name, values, 'name'))
    const skip = skipOf(ask, step, values)
    if (skip !== null) return { skip, name }
    return {
      gate: { name, ...openIn(ask, step, values) },
    }
  })
}

function openIn(ask: Ask, step: GateStep, values: Values): Named {
  switch (step.kind) {
    case 'approve':
      return gateOf(ask, step, values)
    case 'wait':
      return waitOf(ask, step, values)
    case 'call':
      return { ...UNTIMED, kind: 'call', ...callIn(ask, step, values) }
    case 'trigger':
      return { ...UNTIMED, kind: 'trigger', ...triggerIn(ask, step, values) }
  }
}

function skipOf(ask: Ask, step: GateStep, values: Values): string | null {
  if (step.if === null) return null
  const answer = evaluate(step.if, values)
  if ('problem' in answer) return ask({ impossible: `\`if: ${step.if}\`: ${answer.problem}` })
  return answer.holds ? null : `\`if: ${step.if}\` does not hold`
}

type Named = Omit<OpenGate, 'name'>

function gateOf(ask: Ask, step: Extract<GateStep, { kind: 'approve' }>, values: Values): Named {
  const { by, count, author, withinMs, onExpire, message, form } = step
  const people = by.length > 0 ? ` by ${by.join(', ')}` : ''
  return {
    ...{ kind: 'approve', by, count, author, withinMs, onExpire, until: null, act: null },
    words: `waits for ${count === 1 ? 'an approval' : `${count} approvals`}${people}`,
    message: message === null ? null : ask(putIn(message, values, 'approve.message')),
    form: form.map((field) => presetIn(ask, field, values)),
  }
}

const presetIn = (ask: Ask, field: FormField, values: Values): FormField =>
  field.default === null
    ? field
    : { ...field, default: ask(putIn(field.default, values, `approve.form.${field.name}.default`)) }

const NOBODY = { by: [], count: 1, author: true, message: null, form: [], onExpire: 'approve' } as const
const UNTIMED = { ...NOBODY, withinMs: null, until: null } as const
/** A moment that means the same everywhere: a date, a time and its zone. */
const MOMENT = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)$/

function waitOf(ask: Ask, { wait }: Extract<GateStep, { kind: 'wait' }>, values: Values): Named {
  if (wait.for === 'span')
    return { ...UNTIMED, kind: 'wait', words: 'waits for its time', withinMs: wait.ms, act: null }
  if (wait.for !== 'time')
    return { ...UNTIMED, kind: 'wait', withinMs: wait.withinMs, onExpire: 'fail', ...heardAt(wait) }
  const said = ask(putIn(wait.until, values, 'wait.until')).trim()
  const ms = MOMENT.test(said) ? Date.parse(said.replace(' ', 'T')) : NaN
  if (Number.isNaN(ms))
    return ask({
      impossible: `\`wait.until\`: \`${said.slice(0, 100)}\` is no time with a zone; write one such as 2026-12-01T09:00Z`,
    })
  const until = new Date(ms).toISOString()
  return { ...UNTIMED, kind: 'wait', words: `waits until ${until}`, until, act: null }
}
