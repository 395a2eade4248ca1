import fc from 'fast-check'
import picomatch from 'picomatch'
import { expect, test } from 'vitest'
import { globProblem, matchesGlob } from '#pipelines/language/glob.ts'
import { busyMs } from '../support/busy.ts'

test.each<[string, readonly string[], readonly string[]]>([
  ['main', ['main'], ['mains', 'Main', 'a/main', '']],
  ['*', ['a', '.env', '👩'], ['a/b', '']],
  ['**', ['a', 'a/b/c', '.a/.b'], []],
  ['release/*', ['release/1', 'release/.x'], ['release', 'release/1/2']],
  ['docs/**', ['docs', 'docs/a', 'docs/a/b.md'], ['doc', 'docsx', 'a/docs']],
  ['**/*.md', ['a.md', 'a/b/c.md'], ['a.mdx', 'md']],
  ['a/**/b', ['a/b', 'a/x/b', 'a/x/y/b'], ['ab', 'a/bx', 'a/x']],
  ['a**b', ['ab', 'axxb'], ['a/b']],
  ['v?.?', ['v1.2'], ['v1.', 'v1.22', 'v1//']],
  ['[a-c]x', ['ax', 'cx'], ['dx', '[a-c]x']],
  ['[!a]x', ['bx'], ['ax', '/x']],
  ['{a,b/{c,d}}', ['a', 'b/c', 'b/d'], ['b', '{a,b}']],
  ['{a}', ['{a}'], ['a']],
  ['a\\*', ['a*'], ['ab']],
  ['(a|b)+', ['(a|b)+'], ['a', 'b', 'aa']],
  ['x\ny', ['x\ny'], ['x y']],
])('%j matches what it says', (pattern, names, others) => {
  for (const name of names) expect([name, matchesGlob(name, pattern)]).toEqual([name, true])
  for (const name of others) expect([name, matchesGlob(name, pattern)]).toEqual([name, false])
})

test('patterns mean what they mean to a library that many use', () => {
  const piece = fc.constantFrom('a', 'b', '.', '*', '?', '[ab]', '[^b]', '{a,b}', '{ab,?}', '-')
  const part = fc.oneof(
    fc.constant('**'),
    fc.array(piece, { minLength: 1, maxLength: 4 }).map((each) => each.join('')),
  )
  const patterns = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'))
  const word = fc.string({ unit: fc.constantFrom('a', 'b', '.', '-'), minLength: 1, maxLength: 4 })
  const names = fc
    .array(
      word.filter((each) => !/^\.+$/.test(each)),
      { minLength: 1, maxLength: 4 },
    )
    .map((parts) => parts.join('/'))
  const plain = patterns.filter(
    (each) => !/\*\*\*|[^/]\*\*|\*\*[^/]|^\.|\/\.|\*\*\/\*\*|[*?\]}]\/\*\*$/.test(each),
  )
  fc.assert(
    fc.property(plain, names, (pattern, name) => {
      expect(matchesGlob(name, pattern)).toBe(picomatch(pattern, { dot: true, noextglob: true })(name))
    }),
    { numRuns: 2_000 },
  )
})

test('no pattern keeps anybody busy, whatever it is matched against', () => {
  const name = 'a'.repeat(4_000)
  const patterns = [
    '*a'.repeat(200) + 'b',
    '**/'.repeat(120) + 'b',
    '(a+)+$',
    '[a-a]*'.repeat(80) + 'b',
    '?'.repeat(400) + '*b',
  ]
  const tookMs = busyMs(() => {
    for (const pattern of patterns) expect(matchesGlob(name, pattern)).toBe(false)
    expect(matchesGlob('a/'.repeat(2_000) + 'a', '**/a/'.repeat(80) + 'b')).toBe(false)
  })
  expect(tookMs).toBeLessThan(5_000)
})

test('a pattern that stands for too many others is refused in words', () => {
  expect(globProblem('{a,b}'.repeat(7))).toBeNull()
  expect(globProblem('{a,b}'.repeat(8))).toContain('at most 200')
})
