import { describe, expect, test } from 'vitest'
import { fillForm, presetsOf } from '#pipelines/language/form-values.ts'
import { parsePipeline } from '#pipelines/language/parse.ts'

const formOf = (written: string) => {
  const { pipeline } = parsePipeline(`jobs: { a: { image: "b:1", run: x, inputs: { ${written} } } }`)
  return pipeline!.jobs[0]!.inputs
}
const TEXT = 'who: { text: { min: 2, max: 5 } }'
const NUMBER = 'share: { number: { min: 10, max: 30, step: 5 } }'
const CHOICE = 'zone: [east, west]'

describe('a form takes', () => {
  test.each<[string, string, Record<string, unknown>, Record<string, string>]>([
    ['a text', TEXT, { who: 'Ann' }, { who: 'Ann' }],
    ['a text with any letters in it', 'note: text', { note: `'"$(x)\n` }, { note: `'"$(x)\n` }],
    ['a number as a number', NUMBER, { share: 15 }, { share: '15' }],
    ['a number as a text, as it is written', NUMBER, { share: '15.0' }, { share: '15.0' }],
    ['yes as such', 'sure: bool', { sure: true }, { sure: 'true' }],
    ['no as a text', 'sure: bool', { sure: 'false' }, { sure: 'false' }],
    ['a choice', CHOICE, { zone: 'west' }, { zone: 'west' }],
    ['a number for a choice that looks like one', 'n: [5, 25]', { n: 5 }, { n: '5' }],
    ['nothing, where there is a preset', 'zone: { choice: [a, b], default: b }', {}, { zone: 'b' }],
    ['null as nothing', 'zone: { choice: [a, b], default: b }', { zone: null }, { zone: 'b' }],
    ['nothing, where a field may stay empty', 'n: { number: {}, required: false }', {}, { n: '' }],
    [
      'the empty text instead of a preset',
      'n: { text: {}, required: false, default: x }',
      { n: '' },
      { n: '' },
    ],
    ['nothing at all, where it asks for nothing', '', {}, {}],
  ])('%s', (_, form, said, values) => expect(fillForm(formOf(form), said)).toEqual({ values }))
})

describe('a form refuses', () => {
  test.each<[string, string, Record<string, unknown>, string, string]>([
    ['a text that is too short', TEXT, { who: 'A' }, 'who', '`A` is shorter than 2 characters'],
    ['a text that is too long', TEXT, { who: 'Annemarie' }, 'who', 'is longer than 5 characters'],
    [
      'a text beyond all bounds',
      'who: text',
      { who: 'x'.repeat(20_001) },
      'who',
      'is longer than 20000 characters',
    ],
    ['a number that is too small', NUMBER, { share: 5 }, 'share', '5 is below 10'],
    ['a number that is too great', NUMBER, { share: '35' }, 'share', '35 is above 30'],
    ['a number between two steps', NUMBER, { share: 12 }, 'share', '12 is not a multiple of 5 from 10'],
    ['a word for a number', NUMBER, { share: 'much' }, 'share', '`much` is not a number'],
    ['a number that only JavaScript writes', 'n: number', { n: 1e21 }, 'n', '`1e+21` is not a number'],
    ['what is neither yes nor no', 'sure: bool', { sure: 'yes' }, 'sure', '`yes` is neither true nor false'],
    [
      'a slip of the finger',
      CHOICE,
      { zone: 'wets' },
      'zone',
      '`wets` is none of east, west; did you mean `west`?',
    ],
    ['a choice that is none', CHOICE, { zone: 'north-by' }, 'zone', '`north-by` is none of east, west'],
    ['nothing, where it must be filled in', CHOICE, {}, 'zone', 'must be filled in: one of east, west'],
    ['the empty text, where it must be filled in', 'who: text', { who: '' }, 'who', 'must be filled in'],
    ['a list', 'who: text', { who: ['a'] }, 'who', 'takes a text, a number, or true or false'],
    [
      'a letter that no variable holds',
      'who: text',
      { who: 'a\0b' },
      'who',
      'holds a character that no variable can hold; leave it out',
    ],
    [
      'half a letter',
      'who: text',
      { who: '\ud800' },
      'who',
      'holds a character that no variable can hold; leave it out',
    ],
    [
      'a field that is nearly right',
      TEXT,
      { who: 'Ann', hwo: 'x' },
      'hwo',
      'there is no such field; did you mean `who`?',
    ],
    ['any field, where it asks for nothing', '', { x: 1 }, 'x', 'nothing is asked for here; leave it out'],
  ])('%s', (_, form, said, field, message) =>
    expect(fillForm(formOf(form), said)).toEqual({ problems: [{ field, message }] }),
  )

  test('names that every object has', () => {
    const said: Record<string, unknown> = JSON.parse('{"__proto__": "x", "constructor": "y"}')
    expect(fillForm(formOf('who: text'), said)).toEqual({
      problems: [
        { field: '__proto__', message: 'there is no such field; known: who' },
        { field: 'constructor', message: 'there is no such field; known: who' },
        { field: 'who', message: 'must be filled in' },
      ],
    })
  })

  test('all that is wrong at once, in words of bounded length', () => {
    const fields = Array.from({ length: 30 }, (_, index) => `f${index}: bool`)
    const said = Object.fromEntries(fields.map((_, index) => [`f${index}`, 'x'.repeat(10_000)]))
    const filled = fillForm(formOf(fields.join(', ')), said)
    expect('problems' in filled && filled.problems.length).toBe(20)
    expect(JSON.stringify(filled).length).toBeLessThan(5_000)
  })

  test('more than a form can hold', () => {
    const fields = Array.from({ length: 11 }, (_, index) => `f${index}: text`)
    const said = Object.fromEntries(fields.map((_, index) => [`f${index}`, 'x'.repeat(20_000)]))
    expect(fillForm(formOf(fields.join(', ')), said)).toEqual({
      problems: [{ field: '', message: 'the form holds more than 200000 characters' }],
    })
    const many = Object.fromEntries(Array.from({ length: 501 }, (_, index) => [`x${index}`, 1]))
    expect(fillForm([], many)).toEqual({
      problems: [{ field: '', message: '501 fields; at most 500 are read' }],
    })
  })
})

test('presets are what a form says when nobody fills it in', () => {
  const form = formOf('a: { text: {}, default: x }, b: text, c: { bool: {}, required: false }')
  expect(presetsOf(form)).toEqual({ a: 'x', c: '' })
})
