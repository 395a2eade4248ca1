import { expand, type JsonSchema, schemasAt } from './schema-walk.ts'
import { placeIn, type YamlPlace } from './yaml-place.ts'
import type { Step } from './yaml-lines.ts'

/** What could stand at the cursor. */
export type Completion = {
  readonly label: string
  readonly kind: 'key' | 'value' | 'name'
  /** A sentence, or nothing. */
  readonly description: string
  /** What is written for it: a key comes with its colon and, where it holds more keys, with the next line. */
  readonly insert: string
  /** Nothing of this shape works without it. */
  readonly isRequired: boolean
}
export type Completions = {
  readonly from: number
  readonly typed: string
  readonly items: readonly Completion[]
}

/** What the file itself calls things. */
export type OwnNames = {
  readonly jobs: readonly string[]
  readonly resources: readonly string[]
  readonly environments: readonly string[]
}

/** Which of the file's own names go where: by the last key on the way. */
const NAMED: Readonly<Record<string, keyof OwnNames>> = {
  needs: 'jobs',
  get: 'resources',
  put: 'resources',
  environment: 'environments',
  create: 'jobs',
  reconcile: 'jobs',
  terminate: 'jobs',
  job: 'jobs',
}

/** @returns null where nothing can be said. */
export function completionsAt(
  text: string,
  offset: number,
  { schema, names }: { schema: JsonSchema; names: OwnNames },
): Completions | null {
  const place = placeIn(text, offset)
  if (!place) return null
  const behind = /^[^\n]*/.exec(text.slice(offset))?.[0] ?? ''
  const items = [
    ...namesFor(place, names),
    ...(place.at === 'value' ? [] : keysFor(place, schema, /^[\w-]*\s*:/.test(behind))),
    ...(place.at === 'key' ? [] : valuesFor(place, schema)),
  ]
  const once = items.filter((item, at) => items.findIndex(({ label }) => label === item.label) === at)
  return once.length === 0 ? null : { from: place.from, typed: place.typed, items: once }
}

function keysFor(place: YamlPlace, schema: JsonSchema, hasColon: boolean): Completion[] {
  const shapes = schemasAt(schema, place.path).filter(({ properties }) => properties !== undefined)
  const fitting = shapes.filter((shape) => place.siblings.every((key) => allows(shape, key)))
  return (fitting.length > 0 ? fitting : shapes).flatMap(({ properties = {}, required = [] }) =>
    Object.entries(properties).flatMap(([label, property]) => {
      if (place.siblings.includes(label)) return []
      const description = property.description ?? ''
      const insert = hasColon ? label : label + after(property, schema, place)
      return [{ label, kind: 'key' as const, description, insert, isRequired: required.includes(label) }]
    }),
  )
}

const allows = ({ properties = {}, additionalProperties }: JsonSchema, key: string): boolean =>
  key in properties || (additionalProperties !== undefined && additionalProperties !== false)

/** What goes behind a key: a value on the same line where there can be one, else the beginning of the next. */
function after(property: JsonSchema, schema: JsonSchema, { column, isFlow }: YamlPlace): string {
  const shapes = expand(property, schema)
  const isOneLine = shapes.some(({ type }) => type !== 'object' && type !== 'array')
  if (isFlow || isOneLine || shapes.length === 0) return ': '
  const indent = ' '.repeat(column + 2)
  return `:\n${indent}${shapes.every(({ type }) => type === 'array') ? '- ' : ''}`
}

function valuesFor({ path }: YamlPlace, schema: JsonSchema): Completion[] {
  return schemasAt(schema, path).flatMap((shape) => {
    const given = shape.enum ?? (shape.const === undefined ? [] : [shape.const])
    const values = given.length > 0 ? given : shape.type === 'boolean' ? [true, false] : []
    const description = shape.description ?? ''
    return values.map((value) => {
      const label = String(value)
      return { label, kind: 'value' as const, description, insert: label, isRequired: false }
    })
  })
}

function namesFor({ path, at, siblings, isFlow }: YamlPlace, names: OwnNames): Completion[] {
  const last = path.findLast((step) => step !== null)
  const kind = typeof last === 'string' && isNamed(path, last) ? NAMED[last] : undefined
  if (!kind) return []
  const own = path[0] === 'jobs' && kind === 'jobs' ? path[1] : null
  const isItem = at === 'key' && !isFlow && siblings.length === 0
  const insert = (name: string) => (at !== 'key' ? name : isItem ? `- ${name}` : `${name}: `)
  return names[kind]
    .filter((name) => name !== own && !siblings.includes(name))
    .map((name) => ({
      ...{ label: name, kind: 'name' as const, insert: insert(name), isRequired: false },
      description: `${ONE_OF[kind]} of this file`,
    }))
}

const ONE_OF = { jobs: 'A job', resources: 'A resource', environments: 'An environment' } as const

/** A key of a step or of a lifecycle, or of a job itself; not a variable that somebody calls `get`. */
const isNamed = (path: readonly Step[], last: string): boolean =>
  path[0] === 'jobs'
    ? path.length > 2 && !path.slice(2, path.lastIndexOf(last)).some((step) => FREE.includes(step ?? ''))
    : path[0] === 'environments' && path.includes('lifecycle')
const FREE = ['env', 'with', 'services', 'matrix', 'outputs', 'form', 'inputs']
