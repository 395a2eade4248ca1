import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { pipelineJsonSchema } from '#pipelines/language/json-schema.ts'

type Schema = { readonly [key: string]: unknown }
const schema = pipelineJsonSchema() as Schema
const example = (name: string): unknown =>
  parse(readFileSync(new URL(`../../pipelines/examples/${name}`, import.meta.url), 'utf8'))

/** As an editor would: an implementation of the draft that refuses keywords it does not know. */
const validate = new Ajv2020({ strict: true, strictTypes: false }).compile(schema)
const accepts = (value: unknown): boolean => validate(value)

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

test('it is a schema of draft 2020-12', () => {
  expect(schema['$schema']).toBe('https://json-schema.org/draft/2020-12/schema')
  expect(new Ajv2020().validateSchema(schema)).toBe(true)
})

test('every key has a sentence', () => {
  const silent = parts(schema, '').filter(
    ([path, rule]) => /\/properties\/[^/]+$/.test(path) && !rule['description'],
  )
  expect(silent.map(([path]) => path)).toEqual([])
})

test.each(['hello.yml', 'fan-in.yml', 'full-line.yml', 'demo/.takt.yml'])('it accepts %s', (name) =>
  expect(accepts(example(name))).toBe(true),
)

test.each([
  ['an unknown key', { jobs: { a: { run: 'x', imgae: 'y' } } }],
  ['an unknown key far inside', { jobs: { a: { steps: [{ parallel: [{ run: 'x', rnu: 'y' }] }] } } }],
  ['a file without jobs', { triggers: { push: 'main' } }],
  ['a word that is none', { jobs: { a: { run: 'x', start: 'soon' } } }],
  ['a resource of two kinds', { resources: { a: { git: '.', registry: 'x' } }, jobs: { a: { run: 'x' } } }],
  ['a name with capitals', { jobs: { A: { run: 'x' } } }],
  ['a time span that is none', { jobs: { a: { run: 'x', timeout: 'long' } } }],
])('it refuses %s', (_, value) => expect(accepts(value)).toBe(false))

test('numbers and flags may stand where their text is meant', () => {
  expect(
    accepts({
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
