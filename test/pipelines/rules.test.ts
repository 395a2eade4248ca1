import { expect, test } from 'vitest'
import { printDiagnostic } from '#pipelines/language/diagnostic.ts'
import { parseForRunning, parsePipeline } from '#pipelines/language/parse.ts'
import { type Rule, RULES } from '#pipelines/language/rules.ts'
import type { Broken } from './broken.ts'
import { MEANINGS } from './broken-meanings.ts'
import { SHAPES } from './broken-shapes.ts'

const all: readonly Broken[] = [...SHAPES, ...MEANINGS]
const words = (rule: Rule, text: string): string[] => {
  const { diagnostics } = rule === 'not-yet' ? parseForRunning(text) : parsePipeline(text)
  return diagnostics.map((found) => printDiagnostic('', found).slice(1))
}

test.each(all.map(([rule, it, text, ...says]) => ({ rule, it, text, says })))(
  '$rule: $it',
  ({ rule, text, says }) => {
    expect(words(rule, text)).toEqual(says)
    expect(says.some((line) => line.includes(`(${rule})`))).toBe(true)
  },
)

test('every rule is broken by one of these files, and has a sentence', () => {
  const broken = new Set(all.map(([rule]) => rule))
  expect(Object.keys(RULES).filter((rule) => ![...broken].some((each) => each === rule))).toEqual([])
  for (const sentence of Object.values(RULES)) expect(sentence).toMatch(/^[A-Z`].*\.$/)
})

test('more than 500 jobs are refused without a look at each of them', () => {
  const jobs = Array.from({ length: 501 }, (_, index) => `  j${index}: { image: b:1, run: x, needs: nobody }`)
  expect(words('bounds', `jobs:\n${jobs.join('\n')}`)).toEqual([
    '1:1: error: 501 jobs; at most 500 are allowed (bounds)',
  ])
})
