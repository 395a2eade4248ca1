import { describe, expect, test } from 'vitest'
import { Mask } from '../../runner/mask.ts'
import { tokens } from '../../runner/marks.ts'
import { unfitness } from '../../server/secrets/fitness.ts'

// Against an oracle, cut anywhere: test/runner/mask.test.ts and marks.test.ts; on disk and on the wire: 19-secrets-leave-no-trace.

const SECRET = 'p4ss w0rd/with+"quotes"&more'
const hidden = (text: string, cuts: readonly number[] = []) => {
  const mask = new Mask([SECRET])
  const bytes = Buffer.from(text)
  const parts = [...cuts, bytes.length].map((to, at) => mask.push(bytes.subarray(cuts[at - 1] ?? 0, to)))
  return Buffer.concat([...parts, mask.end()]).toString()
}

describe('20: a secret is hidden', () => {
  test.each([
    ['as it is', SECRET],
    ['as a part of an address', encodeURIComponent(SECRET)],
    ['in JSON', JSON.stringify(SECRET).slice(1, -1)],
  ])('%s', (_, text) => {
    expect(hidden(`before ${text} after`)).not.toContain(text)
    expect(hidden(`before ${text} after`)).toContain('***')
  })

  test.each(['', 'x', 'xx'])('in base64 behind %j, which shifts all its letters', (before) => {
    const text = Buffer.from(`${before}${SECRET}${before}`).toString('base64')
    expect(hidden(`before ${text} after`)).not.toContain(text.slice(4, -6))
  })

  test('wherever the pieces of the stream end', () => {
    for (let cut = 1; cut < SECRET.length + 7; cut++)
      expect(hidden(`before ${SECRET} after`, [cut])).toBe('before *** after')
  })

  test.each(['abc', '    ', 'docker', 'password', 'aaaaaaaa'])(
    'and %j is none, which no log could do without',
    (value) => {
      expect(unfitness(value)).not.toBeNull()
    },
  )
})

test.each(['::set-output name=x::1', '##vso[task.setvariable]x', '::add-mask::x', '\u001e0f:0.0:0\u001e'])(
  '21: a line %j of a command is text, and no word to the runner',
  async (line) => {
    const said = (async function* () {
      yield Buffer.from(line)
    })()
    const read = await Array.fromAsync(tokens(said, 'ab'.repeat(16)))
    expect(read.every(({ kind }) => kind === 'bytes')).toBe(true)
    expect(
      Buffer.concat(read.map((token) => (token.kind === 'bytes' ? token.bytes : Buffer.of()))).toString(),
    ).toBe(line)
  },
)
