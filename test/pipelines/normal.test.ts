import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { pipeline as build } from '#pipelines/language/builder.ts'
import { canonical } from '#pipelines/language/canonical.ts'
import { parseForRunning, parseObject, parsePipeline } from '#pipelines/language/parse.ts'
import { legsOf } from '#pipelines/plan/matrix.ts'

const full = readFileSync(new URL('../../pipelines/examples/full-line.yml', import.meta.url), 'utf8')
const plan = (text: string) => {
  const { pipeline, diagnostics } = parsePipeline(text)
  expect(diagnostics.filter((found) => found.severity === 'error')).toEqual([])
  return canonical(pipeline!)
}
const job = (body: string) =>
  plan(`resources: { src: { git: . }, i: { registry: r/i, login: KEY }, f: { files: {} } }
triggers: { push: main }
jobs:
  z: { image: b:1, run: x, put: f }
  a: { image: b:1, ${body} }`)

test.each([
  ['one command', 'run: x', 'run: [x]'],
  ['commands', 'run: [x, y]', 'steps: [{ run: [x, y] }]'],
  ['a put', 'put: f', 'put: { f: {} }'],
  ['a list of puts', 'run: x, put: [f, f]', 'steps: [{ run: x }, { put: f }, { put: f }]'],
  ['a gate', 'run: x, approve: release', 'steps: [{ approve: { by: [release], count: 1 } }, { run: x }]'],
  [
    'a gate’s form',
    'approve: { form: { r: [a, b], n: number } }',
    'approve: { form: { r: { choice: [a, b] }, n: { number: {} } } }',
  ],
  ['edges', 'run: x, needs: z', 'run: x, needs: { z: { trigger: true, on: success, versions: same } }'],
  ['several edges', 'run: x, get: [src, f]', 'run: x, get: { src: {}, f: { version: latest } }'],
  ['what is implied', 'run: x', 'run: x, get: src'],
  ['retry', 'run: x, retry: 2', 'run: x, retry: { max: 2, on: [failed, errored] }'],
  ['concurrency', 'run: x, concurrency: g', 'run: x, concurrency: { group: g, limit: 1 }'],
  ['labels', 'run: x, runs_on: arch=arm64', 'run: x, runs_on: { arch: arm64 }'],
  ['what is kept', 'run: x, keep: dist/', 'run: x, keep: { paths: [dist/], for: 30d }'],
  ['reports', 'run: x, reports: j.xml', 'run: x, reports: { junit: j.xml }'],
  ['services', 'run: x, services: { db: p:1 }', 'run: x, services: { db: { image: p:1 } }'],
  ['a cache', 'run: x, cache: { npm: l.json }', 'run: x, cache: { npm: { key: [l.json] } }'],
  ['hooks', 'run: x, on_failure: y', 'run: x, on_failure: { run: [y] }'],
  ['waits', 'steps: [{ wait: 90s }]', 'steps: [{ wait: { for: 1m30s } }]'],
  ['a job elsewhere', 'steps: [{ trigger: p/j }]', 'steps: [{ trigger: { job: p/j, wait: true } }]'],
])('%s: short and long form are one plan', (_, short, long) => expect(job(short)).toBe(job(long)))

test('a job has its own values before the defaults', () => {
  const { pipeline } =
    parsePipeline(`defaults: { image: a:1, env: { A: "1", B: "1" }, inactivity: 1m, limits: { cpu: 4 } }
jobs: { a: { image: b:1, env: { B: "2" }, limits: { pids: 9 }, run: x } }`)
  expect(pipeline?.jobs[0]).toMatchObject({
    image: 'b:1',
    env: { A: '1', B: '2' },
    inactivityMs: 60_000,
    limits: { cpu: 4, memory: '4Gi', pids: 9 },
  })
})

test('a job that manages an environment is not started by commits', () => {
  const { pipeline } = parsePipeline(`jobs: { up: { image: b:1, run: x }, a: { image: b:1, run: x } }
environments: { staging: { lifecycle: { create: up } } }`)
  expect(pipeline?.jobs.map((each) => each.gets[0]?.trigger)).toEqual([false, true])
})

test('pull requests are heard where no triggers are named, or where they name them', () => {
  const branches = (text: string) =>
    parsePipeline(`${text}jobs: { a: { image: b:1, run: x } }`).pipeline?.triggers.pullRequest.branches
  expect(branches('')).toEqual(['**'])
  expect(branches('triggers: { push: main }\n')).toEqual([])
  expect(branches('triggers: { pull_request: main }\n')).toEqual(['main'])
  expect(branches('triggers: { pull_request: { labels: [ci] } }\n')).toEqual(['**'])
})

test('matrix values, versions and variables keep their source text', () => {
  const { pipeline } = parsePipeline(`jobs:
  a:
    image: python:$(matrix.python)
    matrix: { python: [3.10, 3.9, 0x1F, 1_000, yes], include: [{ python: 4.0 }] }
    get: { src: { version: 1.10 } }
    env: { V: 1.0, EMPTY: '' }
    run: x`)
  expect(pipeline?.jobs[0]?.matrix?.axes).toEqual({ python: ['3.10', '3.9', '0x1F', '1_000', 'yes'] })
  expect(pipeline?.jobs[0]?.matrix?.include).toEqual([{ python: '4.0' }])
  expect(pipeline?.jobs[0]?.gets[0]?.version).toBe('1.10')
  expect(pipeline?.jobs[0]?.env).toEqual({ V: '1.0', EMPTY: '' })
})

test('combinations are counted after what is excluded and included', () => {
  const axes = { node: ['20', '22'], os: ['a', 'b'] }
  expect(legsOf({ axes, exclude: [{ node: '20', os: 'a' }], include: [{ node: '24', os: 'c' }] })).toEqual([
    { node: '20', os: 'b' },
    { node: '22', os: 'a' },
    { node: '22', os: 'b' },
    { node: '24', os: 'c' },
  ])
  expect(
    legsOf({ axes: { a: Array(200).fill('x'), b: Array(200).fill('y') }, exclude: [], include: [] }),
  ).toBeNull()
})

test('JSON, a program and YAML come to the same plan', () => {
  const built = build({
    triggers: { push: ['main'] },
    jobs: {
      test: { image: 'node:22', matrix: { node: [20, 22], fail_fast: false }, run: 'npm test', retry: 2 },
      gate: { needs: 'test', approve: { count: 2, form: { ok: { bool: {}, default: true } } } },
    },
  })
  const yaml = `triggers: { push: main }
jobs:
  gate: { approve: { form: { ok: { default: true, bool: {} } }, count: 2 }, needs: [test] }
  test: { run: [npm test], image: node:22, retry: { max: 2 }, matrix: { fail_fast: false, node: [20, 22] } }`
  expect(canonical(parseObject(built).pipeline!)).toBe(plan(yaml))
  expect(plan(JSON.stringify(built))).toBe(plan(yaml))
  expect(canonical(parseObject(parse(full)).pipeline!)).toBe(plan(full))
})

test('a program’s slips are seen before it runs', () => {
  // @ts-expect-error `imgae` is no key of a job
  build({ jobs: { a: { imgae: 'b:1', run: 'x' } } })
  // @ts-expect-error a job starts in one of four modes
  build({ jobs: { a: { start: 'soon', run: 'x' } } })
  build({
    jobs: { a: { steps: [{ parallel: [{ run: 'x', retry: 2 }], max_parallel: 3 }], allow_failure: true } },
  })
})

test('what a program builds is checked as a file is', () => {
  expect(parseObject({ jobs: { a: { run: 'x', imgae: 'b' } } }).diagnostics).toMatchObject([
    { rule: 'unknown-key', line: 5, column: 7 },
  ])
  expect(parseObject(undefined).pipeline).toBeNull()
})

/** The same tree with the keys of its mappings in another order, but for `resources` and `get`, whose order means something. */
function shuffled(tree: unknown, seed: number, key = ''): unknown {
  if (Array.isArray(tree)) return tree.map((item) => shuffled(item, seed))
  if (typeof tree !== 'object' || tree === null) return tree
  const entries = Object.entries(tree).map(([name, value]) => [name, shuffled(value, seed, name)] as const)
  if (key === 'resources' || key === 'get') return Object.fromEntries(entries)
  return Object.fromEntries(
    entries.toSorted(([a], [b]) => ((a.length * seed) % 7) - ((b.length * seed) % 7) || (a < b ? 1 : -1)),
  )
}

test('the order of keys makes no other plan', () => {
  const tree: unknown = parse(full)
  fc.assert(
    fc.property(fc.nat(1_000), (seed) => {
      expect(canonical(parseObject(shuffled(tree, seed)).pipeline!)).toBe(plan(full))
    }),
    { numRuns: 20 },
  )
})

test('what is not carried out is told where a file is to run, and nowhere else', () => {
  const told = parseForRunning(full)
  expect(parsePipeline(full).diagnostics).toEqual([])
  expect(told.pipeline).toBeNull()
  expect(new Set(told.diagnostics.map((found) => found.rule))).toEqual(new Set(['not-yet']))
  const keys = told.diagnostics.map((found) => /`(.*?)` is not/.exec(found.message)?.[1])
  for (const key of ['environment']) expect(keys).toContain(key)
})

test('all filters are heeded', () => {
  const triggers = (forks: string) => `
resources: { src: { git: ., paths: [src/**] } }
triggers:
  push: { branches: [main], paths: [src/**] }
  pull_request: { branches: main, paths: a, drafts: false, labels: [x], forks: ${forks} }
  tag: v*
  skip: { paths: docs/**, message: "[skip ci]" }
jobs: { a: { image: "a:1", run: x } }`
  for (const forks of ['ignore', 'approve', 'first_time', 'allow'])
    expect(parseForRunning(triggers(forks)).diagnostics).toEqual([])
})

test('what is carried out today stays so', () => {
  for (const name of ['hello.yml', 'fan-in.yml', 'demo/.takt.yml']) {
    const text = readFileSync(new URL(`../../pipelines/examples/${name}`, import.meta.url), 'utf8')
    expect(parseForRunning(text).diagnostics).toEqual([])
  }
})
