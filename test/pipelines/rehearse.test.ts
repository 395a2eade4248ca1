import { expect, test } from 'vitest'
import { parseForRunning } from '#pipelines/language/parse.ts'
import { rehearse, type Scene } from '#pipelines/plan/rehearse.ts'

const SHA = 'a1b2c3d'.padEnd(40, '0')

function played(
  file: string,
  { commit, ...given }: Partial<Omit<Scene, 'commit'>> & { commit?: object } = {},
) {
  const { pipeline, diagnostics } = parseForRunning(file)
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([])
  const body = { name: SHA, ref: 'refs/heads/main', message: 'Mend it', changed: ['src/a.ts'], fields: {} }
  const stage: Scene = {
    ...{ project: 'shop', pipeline: 'main', lane: { name: 'main', kind: 'push' }, newest: new Map() },
    ...given,
    commit: { ...body, ...commit },
  }
  return rehearse(pipeline!, stage).map(({ job, fate, words }) => `${job} ${fate}: ${words}`)
}

test('a commit goes through a line job by job, each with the reason its run would have', () => {
  expect(
    played(`jobs:
  test: { run: x }
  build: { needs: test, run: x }
  lint: { run: x }
  ship: { needs: [build, lint], run: x }
`),
  ).toEqual([
    'test runs: new version of src a1b2c3d',
    'build runs: test passed src a1b2c3d',
    'lint runs: new version of src a1b2c3d',
    'ship runs: build and lint passed src a1b2c3d',
  ])
})

test('what a filter leaves out is passed through, and what is behind it goes on', () => {
  const file = `jobs:
  docs: { paths: 'docs/**', run: x }
  site: { needs: docs, run: x }
`
  expect(played(file)).toEqual([
    'docs passed: nothing in `docs/**` changed',
    'site runs: docs passed src a1b2c3d',
  ])
  expect(played(file, { commit: { changed: ['docs/a.md'] } })[0]).toMatch(/^docs runs/)
})

test('a job for failures stays, one for people is left to them, and one for a clock waits for its clock', () => {
  expect(
    played(`resources: { src: { git: . }, night: { time: '0 3 * * *', timezone: UTC } }
jobs:
  test: { run: x }
  mend: { needs: { test: { on: failure } }, run: x }
  ship: { needs: test, when: manual, run: x }
  sweep: { get: night, run: x }
`),
  ).toEqual([
    'test runs: new version of src a1b2c3d',
    'mend stays: mend does not go on with how test ended',
    'ship manual: `ship` leaves out pushes (`when: manual`)',
    'sweep stays: a new version of night starts it, not this commit',
  ])
})

test('what a job puts starts what gets it', () => {
  expect(
    played(`resources: { src: { git: . }, rel: { semver: { initial: 1.0.0 } } }
jobs:
  test: { run: x }
  cut: { needs: test, when: push, put: { rel: { bump: patch } } }
  note: { get: rel, run: x }
`),
  ).toEqual([
    'test runs: new version of src a1b2c3d',
    'cut runs: test passed src a1b2c3d',
    'note runs: new version of rel by cut',
  ])
})

test('what is not there yet is waited for, and what is there is taken', () => {
  const file = `resources: { src: { git: . }, base: { registry: acme/base, check: 1h } }
jobs:
  test: { get: { src: {}, base: { trigger: false } }, run: x }
`
  expect(played(file)).toEqual(['test waits: waits for the first version of base'])
  expect(played(file, { newest: new Map([['base', { name: 'sha256:1' }]]) })).toEqual([
    'test runs: new version of src a1b2c3d',
  ])
})

test('a commit that the file does not listen to starts nothing, and the reason is told', () => {
  const file = 'triggers: { push: [main], skip: { message: "[skip ci]" } }\njobs: { test: { run: x } }'
  expect(played(file, { commit: { ref: 'refs/heads/side' } })).toEqual([
    'test stays: the commit is no version of src: `triggers.push` does not match `side`: the pipeline listens to main',
  ])
  expect(played(file, { commit: { message: 'Words [skip ci]' } })).toEqual([
    'test stays: the commit is no version of src: its message says `[skip ci]`',
  ])
})

test('a gate on the way is told', () => {
  const file = 'jobs: { ship: { steps: [{ approve: { by: [ada] } }, { run: x }] } }'
  expect(played(file)[0]).toBe('ship runs: new version of src a1b2c3d; somebody is asked first or on the way')
})

test('an expression is held against what the commit says', () => {
  const file = `jobs: { test: { if: '$(src.branch) == "main"', run: x } }`
  expect(played(file, { commit: { fields: { branch: 'main' } } })).toEqual([
    'test runs: new version of src a1b2c3d',
  ])
  expect(played(file, { commit: { fields: { branch: 'side' } } })[0]).toMatch(/^test passed/)
})

test('three hundred jobs in a row are rehearsed in an order that does not matter', () => {
  const jobs = Array.from(
    { length: 300 },
    (_, n) => `  j${300 - n}: { ${n < 299 ? `needs: j${299 - n}, ` : ''}run: x }`,
  )
  const told = played(`jobs:\n${jobs.join('\n')}\n`)
  expect(told.filter((each) => each.includes(' runs: '))).toHaveLength(300)
})
