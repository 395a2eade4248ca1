import { expect, test } from 'vitest'
import { printDiagnostic } from '#pipelines/language/diagnostic.ts'
import { parseForRunning, parsePipeline } from '#pipelines/language/parse.ts'
import { templatesUsed } from '#pipelines/language/templates.ts'

const SHA = 'a'.repeat(40)
const JOB = `acme/ci//node.yml@${SHA}`
const STEPS = `.//steps.yml@${SHA}`
const templates = new Map([
  [
    JOB,
    `inputs:
  node: { text: {}, default: "22" }
  level: { choice: [low, high] }
job:
  image: node:$(with.node)
  env: { LEVEL: $(with.level), KEPT: $(src.sha) }
  run: [npm ci, 'npm test -- "$WITH_LEVEL"']`,
  ],
  [
    STEPS,
    'inputs: { who: text }\nsteps:\n  - { run: greet "$WITH_WHO" }\n  - { name: for $(with.who), run: wave }',
  ],
])
const says = (text: string, given: ReadonlyMap<string, string> = templates) =>
  parsePipeline(text, given).diagnostics.map((found) => printDiagnostic('', found).slice(1))

test('a job is made of its template, and its own keys go before', () => {
  const { pipeline, diagnostics } = parsePipeline(
    `jobs: { a: { use: ${JOB}, with: { level: high }, env: { KEPT: mine }, timeout: 5m } }`,
    templates,
  )
  expect(diagnostics).toEqual([])
  expect(pipeline?.jobs[0]).toMatchObject({
    use: null,
    image: 'node:22',
    timeoutMs: 300_000,
    env: { LEVEL: 'high', KEPT: 'mine', WITH_NODE: '22', WITH_LEVEL: 'high' },
    steps: [{ kind: 'run', commands: ['npm ci', 'npm test -- "$WITH_LEVEL"'] }],
  })
})

test('a step becomes the steps of its template', () => {
  const { pipeline, diagnostics } = parsePipeline(
    `jobs: { a: { image: b:1, steps: [{ run: x }, { use: ${STEPS}, with: { who: $(src.author) } }, { run: y }] } }`,
    templates,
  )
  expect(diagnostics).toEqual([])
  expect(pipeline?.jobs[0]?.steps).toMatchObject([
    { commands: ['x'] },
    { commands: ['greet "$WITH_WHO"'], env: { WITH_WHO: '$(src.author)' } },
    { commands: ['wave'], name: 'for $(src.author)' },
    { commands: ['y'] },
  ])
})

test('without the texts of its templates a file is checked as far as it goes', () => {
  const { pipeline, diagnostics } = parsePipeline(`jobs: { a: { use: ${JOB}, with: { level: high } } }`)
  expect(diagnostics).toEqual([])
  expect(pipeline?.jobs[0]?.use).toEqual({ template: JOB, with: { level: 'high' } })
  expect(parseForRunning(`jobs: { a: { use: ${JOB} } }`).diagnostics).toEqual([])
})

test.each([
  [
    'a template that is not there',
    `jobs: { a: { use: x//y@${SHA} } }`,
    `1:19: error: the template \`x//y@${SHA}\` is not there (template)`,
  ],
  [
    'an unknown word',
    `jobs: { a: { use: ${JOB}, with: { level: low, nod: 1 } } }`,
    '1:99: error: the template asks for no `nod` (template)\n    did you mean `node`?',
  ],
  [
    'a word that is missing',
    `jobs: { a: { use: ${JOB} } }`,
    '1:19: error: the template asks for `level` (template)\n    tell it under `with`',
  ],
  [
    'a value that the template refuses',
    `jobs: { a: { use: ${JOB}, with: { level: mid } } }`,
    '1:94: error: `level`: `mid` is none of low, high (template)',
  ],
  [
    'steps in the place of a job',
    `jobs: { a: { use: ${STEPS}, with: { who: x } } }`,
    `1:19: error: \`${STEPS}\` holds no job (template)`,
  ],
])('%s is told', (_, text, expected) => expect(says(text)).toEqual([expected]))

test('an error inside a template is told at its use, with the place in the template', () => {
  const broken = (text: string) => says(`jobs: { a: { use: ${JOB}, image: b:1 } }`, new Map([[JOB, text]]))
  expect(broken('job:\n  rnu: x')).toEqual([
    `1:19: error: ${JOB}:2:3: unknown key \`rnu\` (unknown-key)\n    did you mean \`run\`?`,
  ])
  expect(broken('job: [')[0]).toMatch(new RegExp(`^1:19: error: ${JOB}:1:7: Flow sequence`))
  expect(broken('jbo: {}')).toEqual([
    `1:19: error: ${JOB}:1:1: unknown key \`jbo\` (template)\n    did you mean \`job\`?`,
  ])
  expect(broken(`job: { use: ${JOB} }`)[0]).toContain('a template does not use another template')
  const steps = new Map([[STEPS, 'steps:\n  - run: x\n  - run: echo $(src.sha)']])
  expect(
    says(`jobs: { a: { image: b:1, steps: [{ run: x }, { use: ${STEPS} }, { rnu: y }] } }`, steps),
  ).toEqual(['1:112: error: unknown key `rnu` (unknown-key)\n    did you mean `run`?'])
  expect(says(`jobs: { a: { image: b:1, steps: [{ run: x }, { use: ${STEPS} }] } }`, steps)).toEqual([
    `1:53: error: ${STEPS}:3:10: \`$(src.sha)\` is not expanded inside \`run\`: the shell would take it for a command (interpolation-in-run)\n    use the environment variable "$SRC_SHA"`,
  ])
})

test('the references of a file are found in its jobs and in their steps, each once', () => {
  const text = `jobs:
  a: { use: ${JOB} }
  b: { image: "b:1", steps: [{ run: x }, { use: ${STEPS} }] }
  c: { use: ${JOB} }
  d: { use: nonsense }`
  expect(templatesUsed(text)).toEqual([JOB, STEPS])
  expect(templatesUsed('jobs: [')).toEqual([])
  expect(templatesUsed('')).toEqual([])
})

test('a template that is not there says why, and one that holds what is not carried out is refused', () => {
  const missing = new Map([[JOB, { missing: 'nobody wrote it' }]])
  expect(says(`jobs: { a: { use: ${JOB} } }`, missing as never)).toEqual([
    `1:19: error: the template \`${JOB}\` is not there: nobody wrote it (template)`,
  ])
  const gate = new Map([[JOB, 'job:\n  image: a:1\n  run: x\n  environment: production']])
  expect(parsePipeline(`jobs: { a: { use: ${JOB} } }`, gate).diagnostics).toEqual([])
  expect(parseForRunning(`jobs: { a: { use: ${JOB} } }`, gate).diagnostics).toMatchObject([
    { rule: 'not-yet', message: `${JOB}:4:3: \`environment\` is not carried out yet`, line: 1, column: 19 },
  ])
})
