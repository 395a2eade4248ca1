import { describe, expect, test } from 'vitest'
import { MOST_CHECKED } from '#pipelines/wire/runner.ts'
import { firstJson } from '../../runner/resources/first-json.ts'
import { MOST_FRAME_BYTES } from '#pipelines/wire/runner.ts'
import { madeOf, questionOf, versionsOf } from '../../runner/resources/protocol.ts'

describe('the first JSON value', () => {
  test.each([
    ['{"a":1}', { a: 1 }],
    ['  \n{"a":"}"} {"b":2}', { a: '}' }],
    ['[[1],{"x":"\\"]"}]]]', [[1], { x: '"]' }]],
    ['"text" more', 'text'],
    ['null\nmore', null],
    ['17 rest', 17],
    ['true', true],
  ])('of %s is read, whatever follows', (text, value) => expect(firstJson(text)).toEqual(value))

  test.each(['', '  ', 'words', '{"a":1', '[1,', '"open', '}', '{]'])('of %j is none', (text) =>
    expect(firstJson(text)).toBe(undefined),
  )

  test('is found in a megabyte without an end', () => {
    expect(firstJson(`[${'['.repeat(2 ** 20)}`)).toBe(undefined)
  })
})

describe('a question', () => {
  test('always has a source, and leaves out what is empty', () => {
    expect(questionOf({ source: {}, params: {}, version: null })).toBe('{"source":{}}')
    expect(questionOf({ source: { a: null }, params: { b: [] }, version: { r: '1' } })).toBe(
      '{"source":{"a":null},"params":{"b":[]},"version":{"r":"1"}}',
    )
  })
})

describe('an answer', () => {
  test('of in and out has a version, and tells of it or not', () => {
    expect(madeOf('in', '{"version":{"a":"1"}}')).toEqual({ version: { a: '1' }, metadata: [] })
    expect(madeOf('out', '{"version":{"a":null},"metadata":null}')).toEqual({
      version: { a: '' },
      metadata: [],
    })
  })

  test.each([
    ['nothing', ''],
    ['null', 'null'],
    ['no version', '{}'],
    ['a null version', '{"version":null}'],
    ['an empty version', '{"version":{}}'],
    ['a number in it', '{"version":{"a":1}}'],
    ['a tree in it', '{"version":{"a":{"b":"c"}}}'],
    ['metadata that is a number', '{"version":{"a":"1"},"metadata":[{"name":"n","value":3}]}'],
    ['a list', '[{"a":"1"}]'],
    ['a text longer than is kept', JSON.stringify({ version: { a: 'x'.repeat(10_001) } })],
  ])('with %s breaks the protocol', (_, stdout) =>
    expect(() => madeOf('in', stdout)).toThrow(expect.objectContaining({ code: 'bad_answer' })),
  )

  test.each([
    ['in', '\n', 'its stdout is empty.'],
    [
      'in',
      '  Cloning into "x"\n',
      'its stdout begins with no JSON value, but with "Cloning into \\"x\\"\\n".',
    ],
    ['check', 'x'.repeat(500), `but with "${'x'.repeat(100)}".`],
  ] as const)('of %s that is no JSON is shown: %j', (program, stdout, words) => {
    const ask = () => (program === 'check' ? versionsOf(stdout) : madeOf(program, stdout))
    expect(ask).toThrow(expect.objectContaining({ message: expect.stringContaining(words) }))
  })

  test('of check is a list, an empty one for nothing', () => {
    expect(versionsOf('')).toEqual([])
    expect(versionsOf('null')).toEqual([])
    expect(versionsOf('[{"a":"1"},{"a":"2"}] x')).toEqual([{ a: '1' }, { a: '2' }])
    expect(() => versionsOf('[{}]')).toThrow(/at least one key/)
    expect(() => versionsOf('{"a":"1"}')).toThrow(/check/)
  })

  test('of check with more versions than are kept keeps the newest', () => {
    const all = Array.from({ length: MOST_CHECKED + 5 }, (_, n) => ({ n: String(n) }))
    const kept = versionsOf(JSON.stringify(all))
    expect(kept).toHaveLength(MOST_CHECKED)
    expect(kept.at(-1)).toEqual(all.at(-1))
  })

  test('keeps of versions that do not fit an answer the newest that do', () => {
    const long = '€'.repeat(10_000)
    const all = Array.from({ length: 1_000 }, (_, at) => ({ ref: String(at), long }))
    const kept = versionsOf(JSON.stringify(all))
    expect(kept.at(-1)).toEqual(all.at(-1))
    expect(kept.length).toBe(33)
    expect(Buffer.byteLength(JSON.stringify(kept))).toBeLessThan(MOST_FRAME_BYTES - 10_000)
  })

  test('says so where not even the newest fits', () => {
    const wide = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`k${at}`, '€'.repeat(10_000)]))
    expect(() => versionsOf(JSON.stringify([wide]))).toThrow(/newest version alone/)
  })
})
