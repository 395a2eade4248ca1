import { expect, test } from 'vitest'
import { parsePipeline as parse } from '#pipelines/language/parse.ts'
import { guardFork } from '#pipelines/plan/guard-fork.ts'
import { asksFirst } from '#pipelines/plan/lanes.ts'

const read = (text: string) => {
  const { pipeline, diagnostics } = parse(text)
  if (!pipeline) throw new Error(JSON.stringify(diagnostics))
  return pipeline
}
const known = (as?: 'writer' | 'contributor') => ({ fork: true, known: as })

test.each([
  ['approve', true, true, false],
  ['first_time', true, false, false],
  ['allow', false, false, false],
] as const)('`forks: %s` asks about a stranger, a contributor, a writer: %s, %s, %s', (forks, ...asked) => {
  const triggers = read(
    `triggers: { pull_request: { branches: main, forks: ${forks} } }\njobs: { a: { run: x } }`,
  )
  expect(
    [known(), known('contributor'), known('writer')].map((pull) => asksFirst(pull, triggers.triggers)),
  ).toEqual(asked)
  expect(asksFirst({ fork: false }, triggers.triggers)).toBe(false)
})

const TARGET = `
resources: { src: { git: . }, image: { registry: example.org/shop, login: LOGIN } }
environments: { staging: {} }
jobs:
  test: { get: src, run: make test }
  push: { get: image, when: push, run: make push }
  deploy: { needs: test, when: push, secrets: [KEY], run: make deploy }
  stage: { needs: test, environment: staging, run: make stage }
`
const runOf = (pipeline: ReturnType<typeof read>, name: string) =>
  JSON.stringify(pipeline.jobs.find((job) => job.name === name)?.steps)

test('jobs with secrets, logins or environments are as the target has them', () => {
  const fork = TARGET.replaceAll('make', 'steal').replace('example.org/shop', 'evil.example/shop')
  const { pipeline, taken, dropped } = guardFork(read(fork), read(TARGET))
  expect(taken).toEqual(['push', 'deploy', 'stage'])
  expect(dropped).toEqual([])
  expect(runOf(pipeline, 'test')).toContain('steal test')
  for (const name of taken) expect(runOf(pipeline, name)).toContain(`make ${name}`)
  expect(JSON.stringify(pipeline.resources)).not.toContain('evil.example')
})

test('a fork neither takes the secrets off such a job nor brings one of its own', () => {
  const fork = `
resources: { src: { git: . }, image: { registry: example.org/shop } }
environments: { production: {} }
jobs:
  test: { get: src, run: make test }
  push: { get: image, run: steal }
  deploy: { needs: test, run: steal }
  ship: { needs: test, environment: production, run: steal }
  token: { get: src, when: push, id_token: { audience: example.org }, run: steal }
  after: { needs: ship, run: x }
`
  const { pipeline, dropped } = guardFork(read(fork), read(TARGET))
  expect(pipeline.jobs.map(({ name }) => name)).toEqual(['test', 'push', 'deploy'])
  expect(dropped).toEqual(['ship', 'token', 'after'])
  expect(JSON.stringify(pipeline.jobs)).not.toContain('steal')
  expect(pipeline.environments.map(({ name }) => name)).toEqual(['staging'])
  expect(JSON.stringify(pipeline.resources)).toContain('LOGIN')
})

test('what needs a guarded job that the target does not reach any more is left out with it', () => {
  const target = TARGET.replace('deploy: { needs: test', 'deploy: { needs: stage')
  const fork = 'jobs: { test: { run: x }, deploy: { needs: test, run: x }, after: { needs: deploy, run: x } }'
  const { pipeline, dropped } = guardFork(read(fork), read(target))
  expect(pipeline.jobs.map(({ name }) => name)).toEqual(['test'])
  expect(dropped).toEqual(['deploy', 'after'])
})

test('a fork reads no state but what its own lane puts, under whatever word for it', () => {
  const target = `
resources: { src: { git: . }, tfstate: { state: {} }, lock: { state: {} } }
jobs:
  plan: { get: [src, tfstate], run: make plan }
  keep: { get: src, when: push, put: { tfstate: { set: { A: b } } } }
`
  const fork = (kind: string) => `
resources: { src: { git: . }, tfstate: { ${kind}: {} }, lock: { state: {} } }
jobs:
  test: { get: src, run: make test }
  plan: { get: [src, tfstate], run: cat inputs/tfstate/* }
  hold: { get: { src: {}, lock: { trigger: false } }, run: env }
  late: { get: src, steps: [{ get: tfstate }, { run: x }] }
  after: { needs: plan, run: x }
`
  for (const kind of ['state', 'params', 'semver']) {
    const { pipeline, dropped } = guardFork(read(fork(kind)), read(target))
    expect(pipeline.jobs.map(({ name }) => name)).toEqual(['test'])
    expect(dropped).toEqual(['plan', 'hold', 'late', 'after'])
  }
  const own = guardFork(read(target), read(target))
  expect(own.dropped).toEqual([])
})

test('what a line once called a state is no fork’s to read by another word, also where no file names it any more', () => {
  const target = 'resources: { src: { git: . } }\njobs: { test: { get: src, run: make } }\n'
  const fork = (kind: string) => `
resources: { src: { git: . }, old: { ${kind}: {} } }
jobs: { test: { get: src, run: make }, peep: { get: [src, old], run: env } }
`
  for (const kind of ['params', 'semver', 'state']) {
    const { dropped } = guardFork(read(fork(kind)), read(target), ['old'])
    expect(dropped).toEqual(['peep'])
  }
  expect(guardFork(read(fork('params')), read(target)).dropped).toEqual([])
})
