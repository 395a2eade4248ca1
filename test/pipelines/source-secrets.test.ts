import { expect, test } from 'vitest'
import type { RunId } from '#pipelines/ids.ts'
import { secretsNamed, withSecrets } from '#pipelines/language/expression/secret-values.ts'
import { parsePipeline } from '#pipelines/language/parse.ts'
import { compilePlan } from '#pipelines/plan/compile.ts'
import { guardFork } from '#pipelines/plan/guard-fork.ts'
import { secretNames } from '#pipelines/plan/secrets-in.ts'
import { Plan } from '#pipelines/wire/plan.ts'

const FILE = `
resource_types: { s3: { image: "s3:1", source: { region: eu, key: $(secret.KEY) } } }
resources:
  src: { git: . }
  dump: { type: s3, source: { bucket: acme, auth: { url: "https://$(secret.USER):$(secret.PASS)@h", list: [$(secret.KEY)] } } }
jobs:
  take: { get: dump, run: x }
  give: { when: push, run: x, put: { dump: { file: a } } }
  test: { get: src, run: x }
`
const read = (text: string) => {
  const { pipeline, diagnostics } = parsePipeline(text)
  if (!pipeline) throw new Error(diagnostics.map(({ message }) => message).join('\n'))
  return pipeline
}
const job = (name: string, text = FILE) => read(text).jobs.find((each) => each.name === name)!

const SECRETS = { KEY: 'k-1', USER: 'ann', PASS: '$(secret.KEY)' }

function plan(
  name: string,
  facts: { kind?: 'push' | 'pull_request'; secrets?: Record<string, string> } = {},
) {
  const known = read(FILE)
  return compilePlan({
    ...{ run: 7 as RunId, project: 'shop', pipeline: 'main', lane: 'main', kind: 'push', attempt: 1 },
    ...{ matrix: null, given: null, answers: null, upstream: [], unmeant: {}, holdMs: 0, known },
    ...{ job: job(name), remotes: new Map(), statesLeft: new Set(), secrets: SECRETS },
    inputs: name === 'take' ? [{ resource: 'dump', version: 'v', fields: { ref: 'v' }, checkout: null }] : [],
    ...facts,
  })
}

test('a source of an image names secrets, and everything that touches it needs them', () => {
  expect(secretNames(job('take'), read(FILE)).toSorted()).toEqual(['KEY', 'PASS', 'USER'])
  expect(secretNames(job('give'), read(FILE)).toSorted()).toEqual(['KEY', 'PASS', 'USER'])
  expect(secretNames(job('test'), read(FILE))).toEqual([])
})

test('its image is told the secrets, once, and the runner which texts they are; commands are told nothing', () => {
  const told = {
    region: 'eu',
    key: 'k-1',
    bucket: 'acme',
    auth: { url: 'https://ann:$(secret.KEY)@h', list: ['k-1'] },
  }
  const take = Plan.parse(plan('take'))
  expect(take.gets).toMatchObject([
    { kind: 'custom', source: told, hidden: expect.arrayContaining(Object.values(SECRETS)) },
  ])
  expect(take.secrets).toEqual({})
  expect(JSON.stringify(take.env)).not.toContain('k-1')
  const give = Plan.parse(plan('give'))
  expect(give.steps.find((step) => step.kind === 'put')).toMatchObject({
    put: { source: told, hidden: expect.arrayContaining(['k-1']) },
  })
})

test('a secret that is not there, and one that a pull request needs, is said in words', () => {
  expect(plan('take', { secrets: {} })).toEqual({
    impossible: 'the secret `KEY` is not there: set it with `takt secrets set shop KEY`',
  })
  expect(plan('take', { kind: 'pull_request' })).toEqual({
    impossible: 'the secret `KEY` is needed, and pull requests get no secrets',
  })
})

test('a fork has a type whose source names secrets as the target has it', () => {
  const fork = FILE.replace('s3:1', 'evil:1')
    .replace('region: eu', 'region: evil')
    .replace('run: x }', 'run: y }')
  const { pipeline, taken } = guardFork(read(fork), read(FILE))
  expect(taken).toEqual(['take', 'give'])
  expect(JSON.stringify([pipeline.resources, pipeline.resourceTypes])).not.toContain('evil')
})

test.each([
  ['git: $(secret.KEY)', '`$(secret.KEY)` has no value here'],
  ['event: { source: $(secret.KEY) }', 'a name has'],
  ['type: s3, source: { a: $(src.sha) }', '`$(src.sha)` has no value here'],
  ['type: s3, source: { a: $(secret.a-b) }', '`$(secret.a-b)` has no value here'],
])('nothing else of a resource may say it: %s', (resource, message) => {
  const text = `resource_types: { s3: { image: "s3:1" } }\nresources: { odd: { ${resource} } }\njobs: { take: { get: odd, run: x } }`
  expect(
    parsePipeline(text)
      .diagnostics.map((each) => each.message)
      .join('\n'),
  ).toContain(message)
})

test('what is doubled stands for itself, and what a name is not stays as it was written', () => {
  const source = { a: '$$(secret.KEY)', b: '$(', c: 7, d: null, e: true, f: ['x', { g: '$(secret.KEY)!' }] }
  expect(secretsNamed(source)).toEqual(['KEY'])
  expect(withSecrets(source, () => 's')).toEqual({ ...source, a: '$(secret.KEY)', f: ['x', { g: 's!' }] })
})
