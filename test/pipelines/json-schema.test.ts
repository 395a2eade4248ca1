import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { pipelineJsonSchema } from '#pipelines/language/json-schema.ts'

type Schema = { readonly [key: string]: unknown }
const schema = pipelineJsonSchema() as Schema
const example = (name: string): unknown =>
  parse(readFileSync(new URL(`../../pipelines/examples/${name}`, import.meta.url), 'utf8'))

/** As much of draft 2020-12 as the language is written in; a word that is not known here fails the test. */
const KNOWN = [
  '$schema',
  'title',
  'description',
  '$ref',
  '$defs',
  'type',
  'properties',
  'required',
  'additionalProperties',
  'propertyNames',
  'items',
  'minItems',
  'maxItems',
  'anyOf',
  'enum',
  'minLength',
  'maxLength',
  'pattern',
  'minimum',
  'maximum',
]

function accepts(rule: unknown, value: unknown): boolean {
  if (typeof rule === 'boolean') return rule
  const given = rule as Schema
  if (typeof given['$ref'] === 'string')
    return accepts((schema['$defs'] as Schema)[given['$ref'].split('/').at(-1)!], value)
  if (Array.isArray(given['anyOf'])) return given['anyOf'].some((each) => accepts(each, value))
  if (given['type'] !== undefined && ![given['type']].flat().includes(typeOf(value, given['type'])))
    return false
  if (Array.isArray(given['enum']) && !given['enum'].includes(value)) return false
  if (typeof value === 'string') return textFits(given, value)
  if (typeof value === 'number')
    return value >= Number(given['minimum'] ?? value) && value <= Number(given['maximum'] ?? value)
  if (Array.isArray(value))
    return (
      value.length >= Number(given['minItems'] ?? 0) &&
      value.every((each) => accepts(given['items'] ?? true, each))
    )
  return typeof value !== 'object' || value === null || mappingFits(given, value as Schema)
}

const typeOf = (value: unknown, wanted: unknown) =>
  value === null
    ? 'null'
    : Array.isArray(value)
      ? 'array'
      : Number.isInteger(value) && [wanted].flat().includes('integer')
        ? 'integer'
        : typeof value

const textFits = (given: Schema, value: string) =>
  (given['pattern'] === undefined || new RegExp(String(given['pattern'])).test(value)) &&
  value.length >= Number(given['minLength'] ?? 0)

function mappingFits(given: Schema, value: Schema): boolean {
  const properties = (given['properties'] ?? {}) as Schema
  const required = (given['required'] ?? []) as readonly string[]
  return (
    required.every((key) => key in value) &&
    Object.entries(value).every(([key, inner]) =>
      Object.hasOwn(properties, key)
        ? accepts(properties[key], inner)
        : accepts(given['propertyNames'] ?? true, key) &&
          accepts(given['additionalProperties'] ?? true, inner),
    )
  )
}

/** Every schema inside the schema, with where it stands. */
function parts(rule: unknown, path: string): [string, Schema][] {
  if (typeof rule !== 'object' || rule === null) return []
  if (Array.isArray(rule)) return rule.flatMap((each, index) => parts(each, `${path}/${index}`))
  const inner = Object.entries(rule).flatMap(([key, each]) =>
    key === 'properties' || key === '$defs'
      ? Object.entries(each as Schema).flatMap(([name, property]) =>
          parts(property, `${path}/${key}/${name}`),
        )
      : parts(each, `${path}/${key}`),
  )
  return [[path, rule as Schema], ...inner]
}

test('it is of draft 2020-12 and says no word that an editor would pass over', () => {
  expect(schema['$schema']).toBe('https://json-schema.org/draft/2020-12/schema')
  const words = new Set(parts(schema, '').flatMap(([, rule]) => Object.keys(rule)))
  expect([...words].filter((word) => !KNOWN.includes(word))).toEqual([])
})

test('every key has a sentence', () => {
  const silent = parts(schema, '').filter(
    ([path, rule]) => /\/properties\/[^/]+$/.test(path) && !rule['description'],
  )
  expect(silent.map(([path]) => path)).toEqual([])
})

test.each(['hello.yml', 'fan-in.yml', 'full-line.yml', 'demo/.takt.yml'])('it accepts %s', (name) =>
  expect(accepts(schema, example(name))).toBe(true),
)

test.each([
  ['an unknown key', { jobs: { a: { run: 'x', imgae: 'y' } } }],
  ['an unknown key far inside', { jobs: { a: { steps: [{ parallel: [{ run: 'x', rnu: 'y' }] }] } } }],
  ['a file without jobs', { triggers: { push: 'main' } }],
  ['a word that is none', { jobs: { a: { run: 'x', start: 'soon' } } }],
  ['a resource of two kinds', { resources: { a: { git: '.', registry: 'x' } }, jobs: { a: { run: 'x' } } }],
  ['a name with capitals', { jobs: { A: { run: 'x' } } }],
  ['a time span that is none', { jobs: { a: { run: 'x', timeout: 'long' } } }],
])('it refuses %s', (_, value) => expect(accepts(schema, value)).toBe(false))

test('numbers and flags may stand where their text is meant', () => {
  expect(
    accepts(schema, {
      jobs: {
        a: {
          run: 'x',
          retry: 2,
          allow_failure: true,
          env: { A: 3.1 },
          matrix: { n: [20], fail_fast: false },
        },
      },
    }),
  ).toBe(true)
})
