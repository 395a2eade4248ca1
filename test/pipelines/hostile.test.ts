import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BOUNDS, parseObject, parsePipeline } from '#pipelines/language/parse.ts'
import { PipelineFile } from '#pipelines/language/schema.ts'
import { RULES } from '#pipelines/language/rules.ts'
import { busyMs } from '../support/busy.ts'

/** Whatever is read, the answer is a pipeline or an error, and every word of it points into the file. */
function sound(text: string): void {
  const { pipeline, diagnostics } = parsePipeline(text)
  expect(pipeline === null).toBe(diagnostics.some((found) => found.severity === 'error'))
  const lines = text.split('\n')
  for (const { line, column, rule, message } of diagnostics) {
    expect(Object.keys(RULES)).toContain(rule)
    expect(message).not.toBe('')
    expect(line).toBeGreaterThan(0)
    expect(line).toBeLessThanOrEqual(lines.length)
    expect(column).toBeGreaterThan(0)
    expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? 0) + 1)
  }
}

test('any text is answered', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), sound), { numRuns: 300 })
})

test('any bytes are answered', () => {
  const bytes = fc.uint8Array({ maxLength: 200 }).map((each) => new TextDecoder().decode(each))
  fc.assert(fc.property(bytes, sound), { numRuns: 300 })
})

test('any pieces of YAML are answered', () => {
  const pieces = [
    'jobs:',
    '\n',
    '  ',
    'a:',
    '- ',
    '{',
    '}',
    '[',
    ']',
    ',',
    '&a ',
    '*a',
    '!!str ',
    '|\n',
    '"',
    "'",
    '? ',
    'run: x',
    '#',
    '<<: ',
    '---',
    '\t',
    '%',
  ]
  const text = fc.array(fc.constantFrom(...pieces), { maxLength: 40 }).map((each) => each.join(''))
  fc.assert(fc.property(text, sound), { numRuns: 500, examples: [['[[}|\njobs:']] })
})

const KEYS = [
  ...Object.keys(PipelineFile.def.shape),
  ...Object.keys(
    PipelineFile.def.shape.jobs.keyType === undefined ? {} : PipelineFile.def.shape.jobs.valueType.def.shape,
  ),
]
const INNER = [
  'src',
  'git',
  'registry',
  'name',
  'form',
  'number',
  'min',
  'in',
  'for_each',
  'parallel',
  'wait',
  'for',
  'health',
  'tcp',
  'exclude',
  'lifecycle',
  'modify',
  'job',
  'use',
  '__proto__',
  'constructor',
]
const tree = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    fc.constantFrom(
      'x',
      'a',
      'src',
      '5',
      '30m',
      'true',
      '$(src.sha)',
      '$(',
      '0 3 * * *',
      '',
      'b:1',
      '(',
      1e300,
    ),
    fc.constantFrom(null, true, 3.1),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...KEYS, ...INNER), tie('any'), { maxKeys: 4 }),
  ),
})).any

test('any tree made of the language’s own words is answered', () => {
  const file = fc.record({
    jobs: fc.dictionary(fc.constantFrom('a', 'b', 'src'), tree),
    resources: tree,
    environments: tree,
  })
  fc.assert(
    fc.property(fc.oneof(tree, file), (value) => {
      sound(JSON.stringify(value, null, 1) ?? '')
      parseObject(value)
    }),
    { numRuns: 500 },
  )
})

test('a well-shaped step may be nested as deep as the bounds allow', () => {
  const nested = (depth: number): unknown =>
    depth === 0
      ? { run: 'x' }
      : { parallel: [nested(depth - 1)], on_failure: { for_each: { in: ['1'], steps: [{ run: 'y' }] } } }
  const of = (depth: number) => parseObject({ jobs: { a: { image: 'b:1', steps: [nested(depth)] } } })
  expect(of(10).diagnostics).toEqual([])
  expect(of(20).diagnostics).toMatchObject([{ rule: 'bounds' }])
})

const many = (count: number, each: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => each(index))
test.each([
  ['brackets by the thousand', '['.repeat(400_000)],
  ['braces by the thousand', '{a: '.repeat(100_000)],
  ['dashes by the thousand', '- '.repeat(200_000)],
  ['keys by the thousand', `jobs: { ${many(40_000, (index) => `k${index}: x`).join(', ')} }`],
  ['unknown keys by the thousand', many(40_000, (index) => `k${index}: x`).join('\n')],
  [
    'aliases of aliases',
    `a: &a [${'x,'.repeat(20_000)}]\nb: &b [${'*a,'.repeat(12)}]\nc: &c [${'*b,'.repeat(12)}]\nd: [${'*c,'.repeat(12)}]`,
  ],
  [
    'a long text that almost is something',
    `jobs: { a: { image: "${'a/'.repeat(9_000)}!", run: x, timeout: "${'1'.repeat(10_000)}x", if: "${'('.repeat(1_900)}" } }`,
  ],
  [
    'patterns that a regular expression would choke on',
    `jobs: { a: { image: b:1, run: x, paths: "${'{a,'.repeat(100)}" } }`,
  ],
  [
    'a matrix of matrices',
    `jobs: { a: { image: b:1, run: x, matrix: { ${many(9, (index) => `x${index}: [${many(200, String).join(',')}]`).join(', ')} } } }`,
  ],
  [
    'jobs that all need each other',
    `jobs:\n${many(500, (index) => `  j${index}: { image: b:1, run: x, needs: [${many(60, (need) => `j${(index + need) % 500}`).join(', ')}] }`).join('\n')}`,
  ],
])('%s are answered within five seconds', (_, text) => {
  expect(busyMs(() => sound(text.slice(0, BOUNDS.bytes)))).toBeLessThan(5_000)
})
