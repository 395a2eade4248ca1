import { expect, test } from 'vitest'
import { parsePipeline } from '#pipelines/language/parse.ts'
import { leased } from '../support/leased.ts'
import { steeredLine } from '../support/steer.ts'

const LINE = `resources: { src: { git: . } }
jobs: { a: { get: src, env: { SAID: $(src.message) }, run: 'printf %s "$SAID"' } }
`
const EVIL = '$(touch /tmp/owned); `id` "; rm -rf / #'

test.each([
  ['a command', 'jobs: { a: { get: src, run: echo $(src.message) } }'],
  ['one command of several', 'jobs: { a: { get: src, run: [make, echo $(src.branch)] } }'],
  ['a step', 'jobs: { a: { get: src, steps: [{ run: echo $(src.author) }] } }'],
  ['a hook', 'jobs: { a: { get: src, run: x, on_failure: { run: echo $(src.message) } } }'],
])('a value stands in %s as a variable only: written into it, the file is refused', (_, jobs) => {
  const { pipeline, diagnostics } = parsePipeline(`resources: { src: { git: . } }\n${jobs}`)
  expect(pipeline).toBeNull()
  expect(diagnostics.map(({ rule }) => rule)).toContain('interpolation-in-run')
})

test.each([
  'jobs: { a: { run: x, priviledged: true } }',
  'jbos: { a: { run: x } }',
  'jobs: { a: { run: x, on: push } }',
])('a key that the language does not know is an error: %s', (file) =>
  expect(parsePipeline(file)).toMatchObject({ pipeline: null, diagnostics: [{ severity: 'error' }] }),
)

test('what a commit says reaches a command as a variable, letter by letter', async () => {
  await using it = await steeredLine(LINE)
  await it.clone.push({ '.takt.yml': LINE }, { message: EVIL })
  const { plan } = await leased(it)
  expect(plan.env['SAID']).toContain(EVIL)
  expect(JSON.stringify(plan.steps)).not.toContain('touch')
})
