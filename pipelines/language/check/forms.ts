import { error, type Finding, type Path, valueAt } from '../diagnostic.ts'
import type { Operation } from '../pipeline.ts'
import { type FormField, stepsIn } from '../step.ts'
import { hintFor } from '../suggest.ts'
import { placeOf, type World } from './world.ts'

/** Fields whose bounds or default do not agree. */
export function forms(world: World): Finding[] {
  const { pipeline } = world
  const ofJobs = pipeline.jobs.flatMap((job) => [
    ...fields(job.inputs, ['jobs', job.name, 'inputs']),
    ...stepsIn(job).flatMap((step) =>
      step.kind === 'approve' ? fields(step.form, [...placeOf(world, step).path, 'form']) : [],
    ),
  ])
  const ofEnvironments = pipeline.environments.flatMap((environment) => {
    const path = ['environments', environment.name, 'lifecycle']
    const form = (operation: Operation | null, ...key: string[]) =>
      operation ? fields(operation.form, [...path, ...key, 'form']) : []
    return [
      ...(['create', 'validate', 'reconcile', 'terminate'] as const).flatMap((key) =>
        form(environment[key], key),
      ),
      ...environment.modify.flatMap((operation) => form(operation, 'modify', operation.name)),
    ]
  })
  return [...ofJobs, ...ofEnvironments]
}

const fields = (form: readonly FormField[], path: Path): Finding[] =>
  form.flatMap((field) => [
    ...bounds(field, [...path, field.name]),
    ...givenDefault(field, [...path, field.name]),
  ])

function bounds(field: FormField, path: Path): Finding[] {
  if (field.kind === 'choice') {
    const twice = field.choices.find((choice, index) => field.choices.indexOf(choice) !== index)
    return twice === undefined ? [] : [error('form', valueAt(...path), `\`${twice}\` is offered twice`)]
  }
  if (field.kind !== 'number' && field.kind !== 'text') return []
  const { min, max } = field
  const crossed = min !== null && max !== null && min > max
  const still = field.kind === 'number' && field.step !== null && field.step <= 0
  const place = valueAt(...path, field.kind)
  return [
    ...(crossed ? [error('form', place, `the least value ${min} is above the greatest ${max}`)] : []),
    ...(still ? [error('form', valueAt(...path, 'number', 'step'), 'a step is above 0')] : []),
  ]
}

function givenDefault(field: FormField, path: Path): Finding[] {
  if (field.default === null) return []
  const problem = fieldProblem(field, field.default)
  const hint = problem !== null && field.kind === 'choice' ? hintFor(field.default, field.choices) : ''
  return problem === null ? [] : [error('form', valueAt(...path, 'default'), `the default ${problem}`, hint)]
}

/** What is wrong with a value for a field, in words that follow its name; null when it is good. Gates and starts ask it, too. */
export function fieldProblem(field: FormField, value: string): string | null {
  switch (field.kind) {
    case 'text':
      if (value.length < (field.min ?? 0))
        return `\`${short(value)}\` is shorter than ${field.min} characters`
      return value.length > (field.max ?? Infinity) ? `is longer than ${field.max} characters` : null
    case 'bool':
      return value === 'true' || value === 'false' ? null : `\`${short(value)}\` is neither true nor false`
    case 'choice':
      return field.choices.includes(value)
        ? null
        : `\`${short(value)}\` is none of ${field.choices.join(', ')}`
    case 'number':
      return numberProblem(field, value)
  }
}

/** A value that somebody else wrote, as a sentence shows it. */
const short = (value: string) =>
  value.length > 100 ? `${value.slice(0, 100).toWellFormed()}…` : value.toWellFormed()

function numberProblem(field: Extract<FormField, { kind: 'number' }>, value: string): string | null {
  const { min, max, step } = field
  const number = Number(value)
  if (!/^-?\d{1,15}(\.\d{1,10})?$/.test(value)) return `\`${short(value)}\` is not a number`
  if (min !== null && number < min) return `${value} is below ${min}`
  if (max !== null && number > max) return `${value} is above ${max}`
  const steps = step === null || step <= 0 ? 0 : (number - (min ?? 0)) / step
  return Math.abs(steps - Math.round(steps)) < 1e-9
    ? null
    : `${value} is not a multiple of ${step} from ${min ?? 0}`
}
