import { describe, expect, test } from 'vitest'
import { printDiagnostic } from '#pipelines/language/diagnostic.ts'
import { fillForm } from '#pipelines/language/form-values.ts'
import { parsePipeline } from '#pipelines/language/parse.ts'
import { decide } from '#pipelines/plan/decide.ts'
import { edgesOf } from '#pipelines/plan/edges.ts'
import type { Facts } from '#pipelines/plan/facts.ts'
import { rehearse } from '#pipelines/plan/rehearse.ts'
import { ended, ending, facts, got, input, need, newestRun, pushed, took, v } from '../support/plan-facts.ts'

/** What JavaScript's plain objects answer to without holding it, in the letters that the language has for names. */
const NAME = 'constructor'
const VARIABLES = ['constructor', 'toString', 'hasOwnProperty']

/** The same with another name in it. */
const renamed = <T>(thing: T, from: string, to: string): T =>
  JSON.parse(JSON.stringify(thing).replaceAll(from, to)) as T

const file = (name: string, variable: string) => `resources:
  ${name}: { git: . }
  my: { params: { ${variable}: x } }
jobs:
  ${name}:
    get: { ${name}: {}, my: { trigger: false } }
    matrix: { ${name}: [a, b], include: [{ ${name}: c }], exclude: [{ ${name}: b }] }
    env: { ${variable}: "$(${name}.sha) $(my.${variable}) $(matrix.${name})" }
    inputs: { ${name}: text }
    secrets: [${variable}]
    when: push
    run: x
  behind: { needs: { ${name}: { versions: any } }, run: x }
`

describe('a thing may be called as a part of every object is', () => {
  test.each(VARIABLES)('in a file, with a variable called %s', (variable) => {
    const read = (name: string, called: string) => {
      const { pipeline, diagnostics } = parsePipeline(file(name, called))
      return { pipeline, diagnostics, edges: pipeline && [...edgesOf(pipeline).jobs.values()] }
    }
    const plain = read('thing', 'ANY')
    expect(plain.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([])
    const told = ({ pipeline, edges, diagnostics }: typeof plain) =>
      JSON.stringify({ pipeline, edges, diagnostics: diagnostics.map(({ message }) => message) })
    expect(told(read(NAME, variable))).toBe(told(plain).replaceAll('thing', NAME).replaceAll('ANY', variable))
  })

  const green = ending(5, { src: v(1) })
  const thing = (given = {}) => input('thing', { get: got, newest: v(2, 100), ...given })
  const src = (given = {}) => input('src', { get: got, newest: v(1), ...given })
  const WORLDS: readonly (readonly [string, Partial<Facts>])[] = [
    [
      'a resource is new in the file, and its version starts the job that took another before',
      { inputs: [src(), thing()], taken: took({ src: 1 }), triggers: [pushed(1, 'thing', v(2, 100))] },
    ],
    [
      'a job is new in the file, and its run starts the job that took none of it',
      {
        inputs: [src({ from: 'thing', get: null })],
        needs: [need('thing', { versions: 'any', endings: [green] })],
        taken: took({ src: 1 }),
        triggers: [ended(1, 'thing', green)],
      },
    ],
    [
      'a run that holds no version of a resource contradicts none',
      {
        inputs: [src({ get: null, via: ['test'] }), thing({ via: ['test'] })],
        needs: [need('test', { endings: [green], newest: newestRun(5, 'succeeded', { src: v(1) }) })],
        triggers: [ended(1, 'test', green)],
      },
    ],
    [
      'a version that nobody has passed yet is waited for',
      {
        inputs: [src(), thing({ via: ['test'] })],
        needs: [need('test', { endings: [green], newest: newestRun(5, 'succeeded', { src: v(1) }) })],
        triggers: [pushed(1, 'src', v(1))],
      },
    ],
    [
      'what a need hands on of it is what that holds',
      {
        inputs: [src(), thing({ get: null, from: 'test' })],
        needs: [need('test', { versions: 'any', carries: ['src', 'thing'], endings: [green] })],
        triggers: [pushed(1, 'src', v(1)), ended(2, 'test', green)],
      },
    ],
  ]
  test.each(WORLDS)('to the planner: %s', (_, given) => {
    expect(decide(renamed(facts(given), 'thing', NAME))).toEqual(renamed(decide(facts(given)), 'thing', NAME))
  })

  test('on the way of a commit', () => {
    const told = (name: string) => {
      const { pipeline } = parsePipeline(file(name, 'ANY'))
      const body = { name: 'a'.repeat(40), ref: 'refs/heads/main', message: 'x', changed: [], fields: {} }
      return rehearse(pipeline!, {
        ...{ project: 'shop', pipeline: 'main', lane: { name: 'main', kind: 'push' }, commit: body },
        newest: new Map([['my', { name: '1' }]]),
      })
    }
    expect(told('thing').map(({ fate }) => fate)).toEqual(['runs', 'runs'])
    expect(told(NAME)).toEqual(renamed(told('thing'), 'thing', NAME))
  })

  test('as the field of a form and of a template that nobody fills in', () => {
    const at = `acme/ci//a.yml@${'a'.repeat(40)}`
    const template = `inputs: { ${NAME}: { text: {}, default: plain } }\njob: { run: 'echo "$WITH_CONSTRUCTOR"' }`
    const { pipeline } = parsePipeline(`jobs: { a: { use: ${at} } }`, new Map([[at, template]]))
    expect(pipeline?.jobs[0]?.env).toMatchObject({ WITH_CONSTRUCTOR: 'plain' })
    const form = parsePipeline(`jobs: { a: { run: x, inputs: { ${NAME}: text } } }`).pipeline!.jobs[0]!.inputs
    expect(fillForm(form, {})).toMatchObject({ problems: [{ field: NAME }] })
  })
})

test.each([
  ['jobs: { a: { run: x }, __proto__: { run: y } }', 24],
  ['jobs: { a: { run: x, env: { __proto__: y } } }', 29],
  ['jobs: { a: { run: x } }\n__proto__: { jobs: {} }', 1],
])('nothing is called `__proto__`: it is refused, not passed over (%s)', (text, column) => {
  const { pipeline, diagnostics } = parsePipeline(text)
  expect([pipeline, diagnostics.map((each) => printDiagnostic('', each))]).toEqual([
    null,
    [
      expect.stringContaining(
        `:${column}: error: nothing can be called \`__proto__\`: programs take it for something else`,
      ),
    ],
  ])
})

test('no variable and no secret is called `__proto__`', () => {
  const { diagnostics } = parsePipeline('jobs: { a: { run: x, secrets: [__proto__] } }')
  expect(diagnostics.map(({ rule }) => rule)).toEqual(['name'])
})
