import { describe, expect, test } from 'vitest'
import { matchesGlob } from '#pipelines/language/glob.ts'
import { BOUNDS, parsePipeline } from '#pipelines/language/parse.ts'
import { MOST_LEGS } from '#pipelines/plan/matrix.ts'
import { busyMs } from '../support/busy.ts'

const job = (name: string) => `  ${name}: { run: x }\n`
const jobs = (count: number) => `jobs:\n${Array.from({ length: count }, (_, at) => job(`j${at}`)).join('')}`
const values = (count: number) => Array.from({ length: count }, (_, at) => `"${at}"`).join(', ')
const matrix = (...axes: number[]) =>
  `jobs: { a: { run: x, matrix: { ${axes.map((count, at) => `a${at}: [${values(count)}]`).join(', ')} } } }`

test('the bounds are those that the rule book names', () => {
  expect(BOUNDS).toMatchObject({ bytes: 500_000, depth: 30, aliases: 50, jobs: 500 })
  expect(MOST_LEGS).toBe(256)
})

describe('a pipeline file is refused in words, and at once, when it has', () => {
  test.each([
    ['more than 500,000 characters', `jobs: { a: { run: x } } # ${'x'.repeat(500_000)}`],
    ['more than 30 levels', `jobs: ${'['.repeat(31)}${']'.repeat(31)}`],
    ['more than 50 aliases', `a: &a 1\njobs: [${'*a, '.repeat(51)}]`],
    [
      'aliases of aliases of aliases',
      `a: &a [x, x, x, x, x, x, x, x, x]\n${[...'bcdefgh'].map((name, at) => `${name}: &${name} [${`*${'abcdefg'[at]}, `.repeat(9)}]`).join('\n')}\njobs: *h`,
    ],
    ['more than 500 jobs', jobs(501)],
    ['a matrix of more than 256 legs', matrix(17, 16)],
    ['a name of more than 100 letters', `jobs:\n${job('x'.repeat(101))}`],
    ['a name of other letters', `jobs:\n${job('"<b>"')}`],
    ['a text of more than 20,000 characters', `jobs: { a: { run: "${'x'.repeat(20_001)}" } }`],
  ])('%s', (_, file) => {
    expect(busyMs(() => parsePipeline(file))).toBeLessThan(5_000)
    const { pipeline, diagnostics } = parsePipeline(file)
    expect(pipeline).toBeNull()
    expect(diagnostics[0]).toMatchObject({ severity: 'error', message: expect.stringMatching(/\w/) })
  })

  test.each([
    ['500 jobs', jobs(500)],
    ['a matrix of 256 legs', matrix(16, 16)],
    ['a name of 100 letters', `jobs:\n${job('x'.repeat(100))}`],
  ])('but not with %s', (_, file) => expect(parsePipeline(file).pipeline).not.toBeNull())
})

// What patterns mean, and that none keeps a server busy, stands in test/pipelines/glob.test.ts.
test('a pattern of a file is never a regular expression, and is matched in no time', () => {
  const tookMs = busyMs(() => {
    for (const pattern of [`${'*a'.repeat(200)}b`, '(a+)+$', '+(a|aa)+(a|aa)b'])
      expect(matchesGlob('a'.repeat(2_000), pattern)).toBe(false)
  })
  expect(tookMs).toBeLessThan(5_000)
})
