import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { LOG_CHUNK_BYTES } from '#pipelines/wire/runner.ts'
import { Pen } from '../../runner/pen.ts'
import { incompleteTail } from '../../runner/utf8.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function penOf() {
  const sent: Buffer[] = []
  const pen = new Pen((bytes) => sent.push(Buffer.from(bytes)))
  return { pen, sent, texts: () => sent.map(String) }
}

describe('the pen', () => {
  test('sends the first bytes at once and gathers what follows for 100 ms', () => {
    const { pen, texts } = penOf()
    pen.write(Buffer.from('a'))
    pen.write(Buffer.from('b'))
    pen.write(Buffer.from('c'))
    expect(texts()).toEqual(['a'])
    vi.advanceTimersByTime(100)
    expect(texts()).toEqual(['a', 'bc'])
  })

  test('sends on a fixed clock, though bytes keep coming', () => {
    const { pen, sent } = penOf()
    for (let ms = 0; ms < 1_000; ms += 10) {
      pen.write(Buffer.from('x'))
      vi.advanceTimersByTime(10)
    }
    expect(sent.length).toBeGreaterThanOrEqual(10)
    expect(sent.length).toBeLessThanOrEqual(12)
  })

  test('sends at once what fills a frame, and never more than a frame holds', () => {
    const { pen, sent } = penOf()
    pen.write(Buffer.alloc(3 * LOG_CHUNK_BYTES + 5, 'é'))
    expect(sent.every(({ length }) => length <= LOG_CHUNK_BYTES)).toBe(true)
    pen.flush()
    expect(Buffer.concat(sent).equals(Buffer.alloc(3 * LOG_CHUNK_BYTES + 5, 'é'))).toBe(true)
  })

  test('does not cut a character in two', () => {
    const { pen, texts } = penOf()
    const fox = Buffer.from('🦊')
    pen.write(fox.subarray(0, 3))
    vi.advanceTimersByTime(500)
    expect(texts()).toEqual([])
    pen.write(fox.subarray(3))
    expect(texts()).toEqual(['🦊'])
  })

  test('sends at the end also what is no character', () => {
    const { pen, sent } = penOf()
    pen.write(Buffer.from([0x41, 0xf0, 0x9f]))
    pen[Symbol.dispose]()
    expect(Buffer.concat(sent)).toEqual(Buffer.from([0x41, 0xf0, 0x9f]))
  })

  test('neither adds nor loses a byte, and cuts every text between characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.array(fc.nat(30)), (text, cuts) => {
        const { pen, sent, texts } = penOf()
        let rest = Buffer.from(text)
        for (const cut of cuts) {
          pen.write(rest.subarray(0, cut))
          rest = rest.subarray(cut)
          vi.advanceTimersByTime(100)
        }
        pen.write(rest)
        pen[Symbol.dispose]()
        expect(texts().join('')).toBe(Buffer.from(text).toString())
        expect(Buffer.concat(sent).equals(Buffer.from(text))).toBe(true)
      }),
    )
  })
})

test.each([
  [[0x41], 0],
  [[0xc3], 1],
  [[0xe2, 0x82], 2],
  [[0xf0, 0x9f, 0xa6], 3],
  [[0xf0, 0x9f, 0xa6, 0x8a], 0],
  [[0xff], 0],
  [[0x80, 0x80, 0x80, 0x80], 0],
  [[], 0],
])('of %j the last %i bytes wait for more', (bytes, tail) => {
  expect(incompleteTail(Uint8Array.from(bytes))).toBe(tail)
})
