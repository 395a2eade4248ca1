import { evaluate } from '../language/expression/evaluate.ts'
import { interpolate, variableOf, type Values } from '../language/expression/interpolate.ts'
import type { Step } from '../language/step.ts'
import type { Plan, PlanHooks, PlanStep } from '../wire/plan.ts'
import { type Ask, entriesIn, textsIn } from './compile-ask.ts'
import { imageIn } from './compile-image.ts'
import { getOfStep, putOfStep, type ResourceFacts } from './compile-resources.ts'
import type { CompileFacts } from './compile-facts.ts'
import { partAt } from './parts.ts'

type StepFacts = CompileFacts & { readonly values: Values }

/** A tree of steps with more nodes than this is nothing that anybody looks at. */
const MOST_STEPS = 2_000

type Numbering = { next: number }
type Inside = StepFacts & {
  readonly numbers: Numbering
  /** Where a step stands at the top of the job; of one inside another nobody asks. */
  readonly position?: number
}

/**
 * The steps of one part of the job, and its hooks, as the runner carries them out. They are numbered through, behind the parts before.
 *
 * @returns `next`: the first number that is free.
 */
export function compileSteps(
  ask: Ask,
  facts: StepFacts,
): Pick<Plan, 'steps' | 'hooks' | 'handOver'> & { readonly next: number } {
  const { goesOn, job } = facts
  const numbers = { next: (goesOn?.first ?? 0) + 1 }
  const inside = { ...facts, numbers }
  const position = goesOn?.position ?? 0
  const part = goesOn?.ending ? { steps: [], gate: null } : partAt(job, position)
  const steps = part.steps.map((step, index) => stepOf(ask, step, { ...inside, position: position + index }))
  const handOver = part.gate === null ? null : { step: numbered(ask, numbers), position: part.gate }
  const hooks = hooksOf(ask, job.hooks, inside)
  return { steps, hooks, handOver, next: numbers.next }
}

const numbered = (ask: Ask, numbers: Numbering): number => {
  if (numbers.next > MOST_STEPS)
    ask({ impossible: `the job has more than ${MOST_STEPS} steps with its \`for_each\` written out` })
  return numbers.next++
}

function stepOf(ask: Ask, step: Step, facts: Inside): PlanStep {
  const { values } = facts
  const number = numbered(ask, facts.numbers)
  const around = {
    step: number,
    name: step.name === null ? nameOf(step) : ask(putName(step.name, values)),
    skip: skipOf(ask, step, values),
    image: imageIn(ask, step.image, { values, where: 'image' }),
    env: entriesIn(ask, step.env, { values, where: 'env' }),
    retry: step.retry && { ...step.retry, on: [...step.retry.on] },
    timeoutMs: step.timeoutMs,
    allowFailure: step.allowFailure,
  }
  const act = actOf(ask, step, facts)
  return { ...around, ...act, hooks: hooksOf(ask, step.hooks, facts) }
}

const putName = (name: string, values: Values): string => {
  const put = interpolate(name, values)
  return 'text' in put ? put.text.slice(0, 200) : name
}

type Act = { [K in PlanStep['kind']]: Omit<Extract<PlanStep, { kind: K }>, keyof Around> }[PlanStep['kind']]
type Around = Pick<
  PlanStep,
  'step' | 'name' | 'skip' | 'image' | 'env' | 'retry' | 'timeoutMs' | 'allowFailure' | 'hooks'
>

function actOf(ask: Ask, step: Step, facts: Inside): Act {
  const resources: ResourceFacts = facts
  switch (step.kind) {
    case 'run':
      return { kind: 'run', commands: step.commands }
    case 'get':
      return { kind: 'get', get: getOfStep(ask, step, resources) }
    case 'put':
      return { kind: 'put', put: putOfStep(ask, step, resources) }
    case 'parallel':
      return {
        kind: 'group',
        steps: step.steps.map((member) => stepOf(ask, member, facts)),
        maxParallel: step.mode === 'sequential' ? 1 : step.maxParallel,
        failFast: step.failFast,
      }
    case 'for_each':
      return {
        kind: 'group',
        steps: itemsOf(ask, step, facts.values).map((item) => itemOf(ask, { step, item }, facts)),
        maxParallel: step.mode === 'sequential' ? 1 : step.maxParallel,
        failFast: step.failFast,
      }
    case 'checkpoint':
      return { kind: 'checkpoint', label: step.label, position: (facts.position ?? 0) + 1 }
    default:
      return ask({ impossible: `this version of Takt does not run a step \`${step.kind}\`` })
  }
}

type ForEach = Extract<Step, { kind: 'for_each' }>

const itemsOf = (ask: Ask, { items }: ForEach, values: Values): string[] =>
  typeof items === 'string'
    ? (textsIn(ask, [items], { values, where: 'for_each.in' })[0] ?? '')
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '')
    : textsIn(ask, items, { values, where: 'for_each.in' })

/** One item's steps: what they are told of it, they are told by value and by variable. */
function itemOf(ask: Ask, { step, item }: { step: ForEach; item: string }, facts: Inside): PlanStep {
  const values = new Map([...facts.values, [`each.${step.as}`, item]])
  const inside = { ...facts, values }
  const env = { [variableOf(`each.${step.as}`)]: item }
  const title = item.slice(0, 100)
  const [only, ...more] = step.steps
  if (only && more.length === 0) {
    const member = stepOf(ask, only, inside)
    return { ...member, name: `${member.name} (${title})`, env: { ...env, ...member.env } }
  }
  const number = numbered(ask, facts.numbers)
  return {
    step: number,
    name: title,
    skip: null,
    image: null,
    env,
    retry: null,
    timeoutMs: null,
    allowFailure: false,
    hooks: { on_success: [], on_failure: [], on_error: [], on_cancel: [], always: [] },
    kind: 'group',
    steps: step.steps.map((member) => stepOf(ask, member, inside)),
    maxParallel: 1,
    failFast: true,
  }
}

/** What a step is called that its file gives no name. */
export const nameOf = (step: Step): string => {
  if (step.kind === 'get' || step.kind === 'put') return `${step.kind} ${step.resource}`
  if (step.kind === 'checkpoint') return `checkpoint ${step.label}`
  return step.kind === 'for_each' ? 'for each' : step.kind
}

/** Why a step is passed over; null where it runs. A condition that cannot be answered ends the plan: half a job is no job. */
function skipOf(ask: Ask, step: Step, values: Values): string | null {
  if (step.if === null) return null
  const answer = evaluate(step.if, values)
  if ('problem' in answer) return ask({ impossible: `\`if: ${step.if}\`: ${answer.problem}` })
  return answer.holds ? null : `\`if: ${step.if}\` does not hold`
}

function hooksOf(ask: Ask, hooks: Step['hooks'], facts: Inside): PlanHooks {
  const all = (steps: readonly Step[]) => steps.map((step) => stepOf(ask, step, facts))
  return {
    on_success: all(hooks.onSuccess),
    on_failure: all(hooks.onFailure),
    on_error: all(hooks.onError),
    on_cancel: all(hooks.onCancel),
    always: all(hooks.always),
  }
}
