import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parsePipeline } from '#pipelines/language/parse.ts'
import { FIELDS } from '#pipelines/language/resource.ts'
import { compilePlan } from '#pipelines/plan/compile.ts'
import type { CompileFacts, InputFacts } from '#pipelines/plan/compile-facts.ts'
import { isImage } from '#pipelines/plan/put-in.ts'
import { type CommitSaid, fieldsOfCommit } from '#pipelines/plan/values.ts'
import { Plan } from '#pipelines/wire/plan.ts'
import type { RunId } from '#pipelines/ids.ts'

const SHA = 'a1b2c3d4'.repeat(5)
const commit = (body: Partial<CommitSaid>) =>
  fieldsOfCommit({ ref: 'refs/heads/main', author: 'Ann', message: 'Mend it', ...body }, SHA)

const input = (resource: string, fields: Readonly<Record<string, string>>): InputFacts => ({
  resource,
  version: SHA,
  fields,
  checkout: { url: 'http://git/shop.git', credential: null, ref: fields['ref'] ?? '' },
})

/** The plan of the one job of a file, on a commit of `main`. */
function compile(job: string, facts: Partial<CompileFacts> = {}) {
  const text = `resources: { src: { git: . }, my-src: { git: . }, settings: { params: { REGION: eu-west-1 } } }\njobs: { test: { get: [src, my-src], run: x, ${job} } }`
  const { pipeline, diagnostics } = parsePipeline(text)
  if (!pipeline) throw new Error(diagnostics.map((found) => found.message).join('\n'))
  return compilePlan({
    run: 7 as RunId,
    project: 'shop',
    pipeline: 'main',
    lane: 'main',
    kind: 'push',
    attempt: 2,
    job: pipeline.jobs[0]!,
    inputs: [input('src', commit({}))],
    matrix: null,
    given: null,
    answers: null,
    known: pipeline,
    upstream: [],
    unmeant: {},
    secrets: {},
    remotes: new Map(),
    statesLeft: new Set(),
    holdMs: 0,
    ...facts,
  })
}
const envOf = (...args: Parameters<typeof compile>) => {
  const plan = compile(...args)
  if ('impossible' in plan) throw new Error(plan.impossible)
  return plan.env
}
const words = (...args: Parameters<typeof compile>) => {
  const plan = compile(...args)
  return 'impossible' in plan ? plan.impossible : plan
}

test('commands, and images of resources, are told where the server is', () => {
  expect(envOf('image: "b:1"', { url: 'https://takt.example' })).toMatchObject({
    TAKT_URL: 'https://takt.example',
  })
})

test('one-time addresses reach the commands of trusted lanes as secrets, and pull requests get none', () => {
  const callbacks = { CALLBACK_URL_DONE: 'https://takt/hooks/callbacks/1/x' }
  expect(words('image: "b:1"', { callbacks })).toMatchObject({ secrets: callbacks, withheld: [] })
  expect(words('image: "b:1"', { callbacks, kind: 'pull_request' })).toMatchObject({ secrets: {} })
})

test('values reach the shell as environment variables, and the author’s own win', () => {
  const env = envOf('image: "b:1", env: { CI: "no", SRC_REF: mine, MINE: "1" }', {
    lane: 'feature/"x"',
    inputs: [
      input('my-src', commit({ ref: 'refs/heads/feature/"x"' })),
      input('src', commit({ ref: 'refs/tags/v1' })),
      { resource: 'settings', version: '1', fields: { REGION: 'eu-west-1' }, checkout: null },
    ],
    matrix: { node: '3.10' },
    given: { 'roll-out': '25' },
  })
  expect(env).toMatchObject({
    MY_SRC_SHA: SHA,
    MY_SRC_SHORT_SHA: 'a1b2c3d',
    MY_SRC_BRANCH: 'feature/"x"',
    SRC_TAG: 'v1',
    SRC_REF: 'mine',
    SETTINGS_REGION: 'eu-west-1',
    MATRIX_NODE: '3.10',
    INPUT_ROLL_OUT: '25',
    TAKT_RUN: '7',
    TAKT_PROJECT: 'shop',
    TAKT_PIPELINE: 'main',
    TAKT_JOB: 'test',
    TAKT_LANE: 'feature/"x"',
    TAKT_ATTEMPT: '2',
    TAKT_KIND: 'push',
    TAKT: 'true',
    CI: 'no',
    MINE: '1',
  })
  expect(env).not.toHaveProperty('SRC_BRANCH')
})

test.each([
  ['$(src.sha)', SHA],
  ['$(src.short_sha)/$(src.branch)', 'a1b2c3d/main'],
  ['$(src.author): $(src.message)', 'Ann: Mend it'],
  ['$(src.ref)', 'refs/heads/main'],
  ['$(takt.run).$(takt.attempt)', '7.2'],
  ['$(takt.project)/$(takt.pipeline)/$(takt.job)', 'shop/main/test'],
  ['$(takt.lane) is a $(takt.kind)', 'main is a push'],
  ['$$(src.sha)', '$(src.sha)'],
])('`%s` in a variable becomes `%s`', (written, becomes) => {
  expect(envOf(`image: "b:1", env: { A: "${written}" }`)['A']).toBe(becomes)
})

test('a leg of a matrix and what a person filled in stand in images and variables', () => {
  const plan = compile(
    'matrix: { node: [20, 3.10] }, inputs: { tag: text }, image: "node:$(matrix.node)-$(input.tag)", env: { A: $(input.tag) }',
    { matrix: { node: '3.10' }, given: { tag: 'slim' } },
  )
  expect(plan).toMatchObject({ image: 'node:3.10-slim', env: { A: 'slim' } })
})

test('what nobody was asked for takes the presets of the form, and the empty text where it may stay empty', () => {
  const job =
    'image: "b:1", inputs: { share: { choice: [5, 25], default: 25 }, note: { text: {}, required: false } }'
  expect(envOf(job)).toMatchObject({ INPUT_SHARE: '25', INPUT_NOTE: '' })
})

describe('a run that has no value for what its job asks for ends with words', () => {
  test.each([
    [
      'of its lane',
      'image: "b:1", env: { A: $(src.tag) }',
      {},
      '`env.A` asks for $(src.tag), which this run has no value for; it has $(src.sha), $(src.short_sha), $(src.ref), $(src.branch), $(src.author)',
    ],
    [
      'of a resource that has no version here',
      'image: "b:$(my-src.sha)"',
      {},
      '`image` asks for $(my-src.sha), which this run has no value for',
    ],
    [
      'of a form that was not filled in',
      'image: "b:1", inputs: { who: text, why: text }, env: { A: "$(input.who) $(input.why) $(input.who)" }',
      {},
      '`env.A` asks for $(input.who), $(input.why), which this run has no value for',
    ],
  ])('%s', (_, job, facts, says) => expect(words(job, facts)).toBe(says))
})

describe('what a value holds is never taken for anything else', () => {
  const branch = (name: string) => ({
    inputs: [input('src', commit({ ref: `refs/heads/${name}` }))],
  })
  test.each(['a"b', "a'b", 'a$(src.sha)b', 'a;b', '$HOME', '-v', 'a`b`'])('a branch called %s', (name) => {
    expect(envOf('image: "b:1", env: { A: $(src.branch) }', branch(name))['A']).toBe(name)
  })
  test('a message of several lines stays one variable', () => {
    const inputs = [input('src', commit({ message: 'one\nPATH=/evil\n\ntwo' }))]
    expect(envOf('image: "b:1", env: { A: $(src.message) }', { inputs })['A']).toBe('one\nPATH=/evil\n\ntwo')
  })
  test.each(['fix/Ui', 'a"b', 'a b', '-x', '../up', 'x@sha256', 'a$(src.sha)'])(
    'an image made of the branch %s is no image, and the run says so',
    (name) =>
      expect(words('image: "ghcr.io/acme/$(src.branch):1"', branch(name))).toBe(
        `\`image\` became \`ghcr.io/acme/${name}:1\`, which is no image reference`,
      ),
  )
  test('an image made of a plain branch is one', () =>
    expect(compile('image: "ghcr.io/acme/$(src.branch):1"', branch('fix/ui'))).toMatchObject({
      image: 'ghcr.io/acme/fix/ui:1',
    }))
  test('a variable that no program takes ends the run with words', () => {
    const inputs = [input('src', commit({ message: 'é'.repeat(20_000) }))]
    expect(words('image: "b:1", env: { A: "$(src.message)$(src.message)$(src.message)" }', { inputs })).toBe(
      '`env.A` has 120000 bytes with its values put in; at most 100000 fit',
    )
    const many = Array.from({ length: 60 }, (_, index) => `A${index}: $(src.message)`)
    expect(words(`image: "b:1", env: { ${many.join(', ')} }`, { inputs })).toMatch(
      /^`env` has 12\d{5} characters with its values put in; 1000000 fit$/,
    )
  })
  test('whatever they hold, there is a plan that the runner reads, or words', () => {
    const text = fc.string({ unit: 'binary', maxLength: 60 })
    fc.assert(
      fc.property(text, text, text, (name, message, given) => {
        const plan = compile(
          'inputs: { g: text }, image: "b:$(src.branch)", env: { A: "$(src.message)$(input.g)" }',
          {
            inputs: [input('src', commit({ ref: `refs/heads/${name}`, message }))],
            given: { g: given },
          },
        )
        if ('impossible' in plan) expect(isImage(`b:${name}`)).toBe(false)
        else {
          expect(Plan.parse(plan).env['A']).toBe(message + given)
          expect(plan.image).toBe(`b:${name}`)
        }
      }),
    )
  })
})

describe('a commit tells', () => {
  test.each([
    [{ ref: 'refs/heads/release/1' }, { branch: 'release/1' }, ['tag', 'number', 'url']],
    [{ ref: 'refs/tags/v1' }, { tag: 'v1' }, ['branch', 'number', 'url']],
    [{ ref: 'refs/pull/12/head' }, { number: '12' }, ['branch', 'tag']],
    [{ ref: 'refs/merge-requests/3/head', pull: { number: 4 } }, { number: '4' }, ['branch', 'tag']],
    [{ url: 'https://x/c/1' }, { url: 'https://x/c/1', branch: 'main' }, ['number']],
    [{ author: '', message: '' }, { author: '', message: '' }, []],
  ])('%o: %o', (body, has, hasNot) => {
    const fields = commit(body)
    expect(fields).toMatchObject({ sha: SHA, short_sha: 'a1b2c3d', ...has })
    for (const name of hasNot) expect(fields).not.toHaveProperty(name)
    expect(FIELDS.git).toEqual(expect.arrayContaining(Object.keys(fields)))
  })
})

describe('an image reference is', () => {
  test.each([
    'node:22',
    'b',
    'localhost:5000/x:1',
    'ghcr.io/acme/a-b_c__d.e:v1.2',
    `r.io/x@sha256:${'a'.repeat(64)}`,
    `r.io/x:1@sha256:${'a'.repeat(64)}`,
  ])('%s', (text) => expect(isImage(text)).toBe(true))
  test.each([
    '',
    'node:',
    'Node:22',
    'a b',
    '-x',
    'x//y',
    'x/../y',
    'x@sha256:1',
    'x:1:2',
    'é:1',
    `x:${'1'.repeat(600)}`,
    'x\n',
  ])('not `%s`', (text) => expect(isImage(text)).toBe(false))
})
