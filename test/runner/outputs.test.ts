import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MOST_FRAME_BYTES, MOST_TOLD_BYTES } from '#pipelines/wire/runner.ts'
import { Outputs } from '../../runner/steps/outputs.ts'

const names = Array.from({ length: 20 }, (_, at) => `value_${at}`)
const bytesOf = (values: object) => Buffer.byteLength(JSON.stringify(values))

test('a value is set while all of them fit a report, and left out with a sentence once they do not', () => {
  const outputs = new Outputs(names)
  // In JSON each of these letters is six.
  const long = '\u0001'.repeat(90_000)
  const { changed, complaints } = outputs.read(`value_0=${long}\nvalue_1=${long}\nvalue_2=small\n`)
  expect(changed).toBe(true)
  expect(Object.keys(outputs.values)).toEqual(['value_0', 'value_2'])
  expect(complaints).toEqual([
    '`value_1` in $TAKT_OUTPUT is not set: with it the job’s outputs would be more than a million bytes as JSON.\n',
  ])
  expect(bytesOf(outputs.values)).toBeLessThan(MOST_TOLD_BYTES)
})

test('a value that becomes shorter makes room for others', () => {
  const outputs = new Outputs(names)
  const long = '\u0001'.repeat(90_000)
  outputs.read(`value_0=${long}\n`)
  const { complaints } = outputs.read(`value_0=short\nvalue_1=${long}\n`)
  expect(complaints).toEqual([])
  expect(outputs.values).toEqual({ value_0: 'short', value_1: long })
})

test('whatever a job writes, its outputs fit a frame', () => {
  const value = fc
    .tuple(fc.constantFrom('a', '\u0001', '"', '€', '😀'), fc.nat(100_000))
    .map(([letter, times]) => letter.repeat(times))
  const line = fc.tuple(fc.constantFrom(...names), value).map(([name, text]) => `${name}=${text}`)
  fc.assert(
    fc.property(fc.array(line, { maxLength: 40 }), (lines) => {
      const outputs = new Outputs(names)
      outputs.read(lines.join('\n'))
      expect(bytesOf(outputs.values)).toBeLessThanOrEqual(MOST_TOLD_BYTES + 1)
    }),
    { numRuns: 30 },
  )
  expect(MOST_TOLD_BYTES + 10_000).toBeLessThan(MOST_FRAME_BYTES)
})
