import { ownIn } from '../own-in.ts'
import { fieldProblem } from './check/forms.ts'
import type { FormField } from './step.ts'
import { hintFor } from './suggest.ts'

export type FieldProblem = { readonly field: string; readonly message: string }
export type Filled =
  { readonly values: Readonly<Record<string, string>> } | { readonly problems: readonly FieldProblem[] }

/** Longer texts fit no line of a form, and no variable. */
const MOST_LETTERS = 20_000
const MOST_TOGETHER = 200_000
const MOST_SAID = 500
const MOST_PROBLEMS = 20

/**
 * A form as a person filled it in: every field's text, presets where nothing was said, and the empty text where a field may stay
 * empty. Yes and no and numbers may be said as such.
 *
 * @returns What is wrong with which field, and what would be right; twenty problems at most.
 */
export function fillForm(form: readonly FormField[], said: Readonly<Record<string, unknown>>): Filled {
  const entries = Object.entries(said)
  if (entries.length > MOST_SAID)
    return { problems: [{ field: '', message: `${entries.length} fields; at most ${MOST_SAID} are read` }] }
  const asked = form.map((field) => field.name)
  const unknown = entries.flatMap(([field]) =>
    asked.includes(field) ? [] : [{ field: clip(field, 100), message: unknownField(field, asked) }],
  )
  const filled = form.map((field) => ({ field: field.name, ...fill(field, said) }))
  const problems = [
    ...unknown,
    ...filled.flatMap((each) =>
      'message' in each ? [{ field: each.field, message: clip(each.message, 500) }] : [],
    ),
  ]
  if (problems.length > 0) return { problems: problems.slice(0, MOST_PROBLEMS) }
  const values = filled.flatMap((each) => ('text' in each ? [[each.field, each.text] as const] : []))
  const letters = values.reduce((sum, [, text]) => sum + text.length, 0)
  if (letters > MOST_TOGETHER)
    return { problems: [{ field: '', message: `the form holds more than ${MOST_TOGETHER} characters` }] }
  return { values: Object.fromEntries(values) }
}

const clip = (text: string, most: number) =>
  (text.length > most ? `${text.slice(0, most)}…` : text).toWellFormed()

function unknownField(field: string, asked: readonly string[]): string {
  if (asked.length === 0) return 'nothing is asked for here; leave it out'
  const hint = hintFor(field, asked)
  return `there is no such field${hint && `; ${hint}`}`
}

type Fill = { readonly text: string } | { readonly message: string }

function fill(field: FormField, said: Readonly<Record<string, unknown>>): Fill {
  const value = ownIn(said, field.name)
  const text = value === undefined || value === null ? field.default : plainText(value)
  if (text === undefined) return { message: 'takes a text, a number, or true or false' }
  if (text === null || text === '')
    return field.required ? { message: `must be filled in${choose(field)}` } : { text: '' }
  if (text.length > MOST_LETTERS) return { message: `is longer than ${MOST_LETTERS} characters` }
  if (text.includes('\0') || !text.isWellFormed())
    return { message: 'holds a character that no variable can hold; leave it out' }
  const problem = fieldProblem(field, text)
  if (problem === null) return { text }
  const hint = field.kind === 'choice' ? hintFor(text, field.choices) : ''
  return { message: hint.startsWith('did') ? `${problem}; ${hint}` : problem }
}

/** @returns Undefined for what is no plain value. */
function plainText(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

const choose = (field: FormField) => (field.kind === 'choice' ? `: one of ${field.choices.join(', ')}` : '')

/** What a form says where nobody fills it in: its defaults; what must be filled in and has none is not there. */
export const presetsOf = (form: readonly FormField[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    form.flatMap(({ name, default: preset, required }) =>
      preset !== null ? [[name, preset]] : required ? [] : [[name, '']],
    ),
  )
