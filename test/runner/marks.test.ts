import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { tokens } from '../../runner/marks.ts'
import type { Token } from '../../runner/marks.ts'

const NONCE = '0f'.repeat(16)
const RS = '\x1e'

async function read(chunks: Uint8Array[]): Promise<Token[]> {
  return Array.fromAsync(
    tokens(
      (async function* () {
        yield* chunks
      })(),
      NONCE,
    ),
  )
}

/** The same tokens, neighbouring bytes joined: how they were cut does not matter. */
function joined(all: Token[]): (Token | string)[] {
  const result: (Token | string)[] = []
  for (const token of all) {
    const last = result.at(-1)
    const text = token.kind === 'bytes' ? Buffer.from(token.bytes).toString('latin1') : null
    if (text !== null && typeof last === 'string') result[result.length - 1] = last + text
    else result.push(text ?? token)
  }
  return result
}

describe('marks', () => {
  test('are taken out of the stream, whatever the chunks', async () => {
    const stream = Buffer.from(
      `a${RS}${NONCE}:0.0:0${RS}b${RS}x${RS}${NONCE}:0.1:3${RS}${RS}${NONCE}:0:12${RS}\n${RS}`,
    )
    const expected = [
      'a',
      { kind: 'command', step: 0, command: 0, code: 0 },
      `b${RS}x`,
      { kind: 'command', step: 0, command: 1, code: 3 },
      { kind: 'end', step: 0, code: 12 },
      `\n${RS}`,
    ]
    expect(joined(await read([stream]))).toEqual(expected)
    expect(joined(await read([...stream].map((byte) => Uint8Array.of(byte))))).toEqual(expected)
  })

  test.each([
    ['another nonce', `${RS}${'1f'.repeat(16)}:0.0:0${RS}`],
    ['no numbers', `${RS}${NONCE}:evil${RS}`],
    ['an endless one', `${RS}${NONCE}:${'1'.repeat(200)}${RS}`],
    ['half a one at the end', `${RS}${NONCE}:0.`],
    ['nothing but separators', RS.repeat(100)],
  ])('%s is output like any other', async (_name, text) => {
    expect(joined(await read([Buffer.from(text)]))).toEqual([text])
    expect(joined(await read([...Buffer.from(text)].map((byte) => Uint8Array.of(byte))))).toEqual([text])
  })

  test('what can no longer become a mark is not held back', async () => {
    const seen = tokens(
      (async function* () {
        yield Buffer.from(`text${RS}${NONCE.slice(0, 5)}`)
        yield Buffer.from('!')
        throw new Error('read too far')
      })(),
      NONCE,
    )
    expect((await seen.next()).value).toMatchObject({ kind: 'bytes', bytes: Buffer.from('text') })
    expect((await seen.next()).value).toMatchObject({ bytes: Buffer.from(`${RS}${NONCE.slice(0, 5)}!`) })
  })

  test('any bytes in any chunks come out as they went in', async () => {
    const pieces = fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      fc
        .constantFrom(RS, `${RS}${NONCE}`, `${RS}${NONCE}:`, NONCE, ':0', '.1:')
        .map((text) => Buffer.from(text)),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(pieces, { maxLength: 30 }), async (chunks) => {
        const whole = Buffer.concat(chunks).toString('latin1')
        const marks = new RegExp(`${RS}${NONCE}:\\d+(\\.\\d+)?:\\d+${RS}`, 'g')
        const text = joined(await read(chunks))
          .filter((token) => typeof token === 'string')
          .join('')
        expect(text).toBe(whole.replaceAll(marks, ''))
      }),
      { numRuns: 300 },
    )
  })
})
