import { expect, test } from 'vitest'
import { steeredLine as line } from '../support/steer.ts'

const fates = (triggers: readonly { fate: string; reason: string | null }[]) =>
  triggers.map(({ fate, reason }) => (reason === null ? fate : `${fate}: ${reason}`))

test('every trigger has a fate: a run, or a reason', async () => {
  await using it = await line(
    'jobs:\n  a: { run: say a }\n  b: { run: say b }\n  c: { needs: [a, b], run: say c }\n',
  )
  const sha = await it.push()
  await it.end('a', 'succeed')
  expect(fates(await it.triggers('c'))).toEqual([`no-run: waits for b on ${sha}, which is queued`])
  await it.end('b', 'succeed')
  expect(fates(await it.triggers('c'))).toEqual([`no-run: waits for b on ${sha}, which is queued`, 'run'])
  expect(await it.runs('c')).toMatchObject([{ state: 'queued', inputs: [`src ${sha}`] }])
})

test('an edge that does not trigger starts nothing, and is asked all the same', async () => {
  await using it = await line(
    'jobs:\n  a: { run: say a }\n  b: { run: say b }\n  c: { needs: { a: { trigger: false }, b: { trigger: true } }, run: say c }\n',
  )
  const sha = await it.push()
  await it.end('a', 'succeed')
  expect(await it.triggers('c')).toEqual([])
  await it.end('b', 'succeed')
  expect(await it.runs('c')).toMatchObject([{ state: 'queued', inputs: [`src ${sha}`] }])
})

test('`on` decides which endings start a job', async () => {
  await using it = await line(
    `jobs:
  build: { run: say x }
  mourn: { needs: { build: { on: [failure] } }, run: say sad }
  always: { needs: { build: { on: [finish] } }, run: say done }
`,
  )
  await it.push()
  await it.end('build', 'fail')
  expect(await it.runs('mourn')).toHaveLength(1)
  expect(await it.runs('always')).toHaveLength(1)
  await it.push()
  await it.end('build', 'cancel')
  expect(await it.runs('mourn')).toHaveLength(1)
  expect(await it.runs('always')).toHaveLength(2)
})

test('a `versions: any` need joins nothing: each new green run of it is a new input', async () => {
  await using it = await line(
    `jobs:
  deps: { run: say deps }
  app: { get: src, needs: { deps: { versions: any } }, run: say app }
`,
  )
  const first = await it.push()
  expect(await it.runs('app')).toEqual([])
  await it.end('deps', 'succeed')
  expect(await it.runs('app')).toMatchObject([{ inputs: [`src ${first}`] }])
  const second = await it.push()
  expect(await it.runs('app')).toMatchObject([{ inputs: [`src ${first}`] }, { inputs: [`src ${second}`] }])
  await it.end('deps', 'succeed')
  expect((await it.runs('app')).map((run) => run.inputs)).toEqual([
    [`src ${first}`],
    [`src ${second}`],
    [`src ${second}`],
  ])
})

test('a `strict` job gathers its triggers until everything upstream is final, and runs once', async () => {
  await using it = await line(
    `jobs:
  build: { run: say build }
  lint: { needs: build, run: say lint }
  test: { needs: build, run: say test }
  ship: { needs: [lint, test], start: strict, run: say ship }
`,
  )
  const first = await it.push()
  await it.end('build', 'succeed')
  await it.end('lint', 'succeed')
  expect(fates(await it.triggers('ship'))).toEqual([expect.stringMatching(/^gathered: .*test/)])
  const second = await it.push()
  await it.end('test', 'succeed')
  expect((await it.triggers('ship')).map(({ fate }) => fate)).toEqual(['gathered', 'gathered'])
  expect(await it.runs('ship')).toEqual([])
  await it.end('build', 'succeed')
  await it.end('lint', 'succeed')
  await it.end('test', 'succeed')
  expect((await it.triggers('ship')).map(({ fate }) => fate)).toEqual(['run', 'run', 'run', 'run'])
  expect(await it.runs('ship')).toMatchObject([{ inputs: [`src ${second}`] }])
  expect(first).not.toBe(second)
})

test('what a `strict` job waits for may fail: then its entry ends with that reason, and nothing waits for ever', async () => {
  await using it = await line(
    `jobs:
  build: { run: say build }
  lint: { needs: build, run: say lint }
  test: { needs: build, run: say test }
  ship: { needs: [lint, test], start: strict, run: say ship }
`,
  )
  await it.push()
  await it.end('build', 'succeed')
  await it.end('lint', 'succeed')
  await it.end('test', 'fail')
  expect(fates(await it.triggers('ship'))).toEqual([expect.stringMatching(/^no-run: test .*failed/)])
  const { body } = await it.house.ask('GET /api/v1/projects/shop/pipelines/main')
  expect(body.jobs[3].waiting).toMatch(/^test .*failed/)
})

test('an `immediate` job runs for every trigger, whatever its neighbours do', async () => {
  await using it = await line(
    `jobs:
  build: { run: say build }
  lint: { run: say lint }
  log: { needs: { build: { on: [finish] }, lint: {} }, start: immediate, run: say log }
`,
  )
  await it.push()
  await it.end('build', 'fail')
  expect(await it.runs('log')).toHaveLength(1)
  await it.end('lint', 'succeed')
  expect(await it.runs('log')).toHaveLength(2)
})

test('what is filtered out by `paths` is passed through: skipped, and what needs it goes on', async () => {
  await using it = await line(
    'jobs:\n  docs: { paths: ["docs/**"], run: say docs }\n  ship: { needs: docs, run: say ship }\n',
  )
  await it.push({ 'docs/a.md': '1' })
  await it.end('docs', 'succeed')
  const second = await it.push()
  const docs = await it.runs('docs')
  expect(docs.at(-1)).toMatchObject({ state: 'skipped', reason: 'nothing in `docs/**` changed' })
  expect((await it.runs('ship')).at(-1)).toMatchObject({ state: 'queued', inputs: [`src ${second}`] })
})

test('`if` and `when` pass a job through on lanes they leave out', async () => {
  await using it = await line(
    `triggers: { push: ['**'], tag: ['**'] }
jobs:
  deploy: { if: $(src.branch) == "main", run: say deploy }
  tagged: { when: tag, run: say tagged }
`,
  )
  await it.push()
  await it.push({}, 'feature')
  expect((await it.runs('deploy')).map(({ lane, state }) => `${lane} ${state}`)).toEqual([
    'main queued',
    'feature skipped',
  ])
  expect((await it.runs('tagged')).map(({ state }) => state)).toEqual(['skipped', 'skipped'])
})

test('`version: every` takes also what newer ones have overtaken', async () => {
  await using it = await line('jobs:\n  log: { get: { src: { version: every } }, run: say log }\n')
  const shas = [await it.push(), await it.push(), await it.push()]
  expect((await it.runs('log')).map((run) => run.inputs[0])).toEqual(shas.map((sha) => `src ${sha}`))
})

test('what waits for a job that a new file leaves out is told so', async () => {
  const file = (more: string) => `jobs:\n  a: { run: say a }\n  b: { run: say b }\n${more}`
  await using it = await line(file('  c: { needs: [a, b], start: strict, run: say c }\n'))
  await it.push()
  await it.end('a', 'succeed')
  expect(await it.triggers('c')).toMatchObject([{ fate: 'gathered' }])
  await it.push({ '.takt.yml': file('') })
  await it.end('b', 'succeed')
  expect(await it.triggers('c')).toMatchObject([{ fate: 'no-run' }])
})
