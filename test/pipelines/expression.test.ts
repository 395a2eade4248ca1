import fc from 'fast-check'
import { expect, test } from 'vitest'
import { evaluate } from '#pipelines/language/expression/evaluate.ts'
import { interpolate, variableOf } from '#pipelines/language/expression/interpolate.ts'

const values = new Map([
  ['src.branch', 'main'],
  ['src.tag', ''],
  ['matrix.node', '3.10'],
  ['input.dry', 'true'],
  ['event.body.action', 'push'],
])

test.each([
  ['$(src.branch) == "main"', true],
  ["$( src.branch ) != 'main'", false],
  ['$(event.body.action) == "push"', true],
  ['$(nobody.knows) == ""', true],
  ['$(matrix.node) == 3.10', true],
  ['$(matrix.node) == 3.1', false],
  ['$(input.dry)', true],
  ['!$(input.dry)', false],
  ['$(input.dry) == true', true],
  ['!($(src.branch) == "dev") && true', true],
  ['true || false && false', true],
  ['(true || false) && false', false],
  ['!false == true', true],
  ['contains($(src.branch), "ai")', true],
  ['startsWith($(src.branch), "ai")', false],
  ['endsWith($(src.branch), "in")', true],
  ['matches("release/1", "release/*")', true],
  ['matches("release/1/2", "release/*")', false],
  ['"a\\"b" == \'a"b\'', true],
  ['false && $(src.branch)', false],
])('%s is %s', (source, holds) => expect(evaluate(source, values)).toEqual({ holds }))

test.each([
  ['', 'the expression ends where a value is expected', 0],
  ['$(src.branch) ==', 'the expression ends where a value is expected', 16],
  ['"open', 'this text is not closed', 0],
  ['true true', '`true` was not expected here', 5],
  ['(true', 'a `)` is missing', 5],
  ['main == $(src.branch)', '`main` is no word of an expression; write texts in quotes', 0],
  ['contains("a")', '`contains` takes two texts with a comma between them', 12],
  ['$(x) == "a"', '`$(x)` is no value such as $(src.branch)', 0],
  ['"a" && true', 'a text stands where true or false is expected; compare it with == or !=', 0],
  ['1 == "1"', 'a number is never the same as a text', 2],
  ['$(src.branch)', '`main` is neither true nor false; compare it with == or !=', 0],
  ['($(src.branch) || true) == false', '`main` is neither true nor false; compare it with == or !=', 1],
  ['true & true', '`&` means nothing here; write `&&`', 5],
])('%s: %s, at %i', (source, problem, at) => expect(evaluate(source, values)).toEqual({ problem, at }))

test('nesting has a bound, and so has length', () => {
  expect(evaluate('('.repeat(900), values)).toEqual({
    problem: 'nested deeper than 50 levels',
    at: expect.any(Number),
  })
  expect(evaluate('!'.repeat(900), values)).toEqual({
    problem: 'nested deeper than 50 levels',
    at: expect.any(Number),
  })
  expect(evaluate(`"${'x'.repeat(3_000)}" == "x"`, values)).toMatchObject({ problem: /at most 2000/ })
})

/** Expressions of which it is known beforehand whether they hold. */
const known = fc.letrec<{ any: [string, boolean] }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom<[string, boolean]>(['true', true], ['false', false], ['$(src.branch) == "main"', true]),
    tie('any').map(([source, holds]): [string, boolean] => [`!(${source})`, !holds]),
    fc
      .tuple(tie('any'), tie('any'))
      .map(([[a, x], [b, y]]): [string, boolean] => [`(${a}) && (${b})`, x && y]),
    fc
      .tuple(tie('any'), tie('any'))
      .map(([[a, x], [b, y]]): [string, boolean] => [`(${a}) || (${b})`, x || y]),
    fc
      .tuple(tie('any'), tie('any'))
      .map(([[a, x], [b, y]]): [string, boolean] => [`(${a}) == (${b})`, x === y]),
  ),
})).any

test('an expression holds as its parts do', () => {
  fc.assert(
    fc.property(known, ([source, holds]) => {
      fc.pre(source.length <= 2_000)
      expect(evaluate(source, values)).toEqual({ holds })
    }),
  )
})

test('whatever is written, the answer is a value or a place inside of it', () => {
  const words = fc.constantFrom(
    '$(',
    ')',
    '(',
    '"',
    "'",
    '==',
    '!',
    '&&',
    ' ',
    'true',
    'a.b',
    '$(a.b)',
    ',',
    '\\',
    '1',
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(words).map((each) => each.join('')),
      ),
      (source) => {
        const answer = evaluate(source, values)
        if ('problem' in answer) expect(answer.at).toBeLessThanOrEqual(source.length)
        else expect(typeof answer.holds).toBe('boolean')
      },
    ),
  )
})

test.each([
  ['node:$(matrix.node)', { text: 'node:3.10' }],
  ['$(src.branch)-$( matrix.node )', { text: 'main-3.10' }],
  ['$$(src.branch) costs $5', { text: '$(src.branch) costs $5' }],
  ['a $(src.nothing) b $(x.y)', { missing: ['src.nothing', 'x.y'] }],
  ['$(date)', { missing: ['$(date)'] }],
  ['$(', { missing: ['$('] }],
])('%s becomes %o', (text, put) => expect(interpolate(text, values)).toEqual(put))

test('what a value holds is never looked at again', () => {
  expect(interpolate('$(a.b)', new Map([['a.b', '$(c.d)$$(']]))).toEqual({ text: '$(c.d)$$(' })
})

test('a value and its variable have one name', () =>
  expect(variableOf('my-src.short_sha')).toBe('MY_SRC_SHORT_SHA'))
