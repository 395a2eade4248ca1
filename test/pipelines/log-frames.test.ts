import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { RunId } from '#pipelines/ids.ts'
import { countLines, decodeLog, encodeLog, type Packed } from '#pipelines/wire/log-frames.ts'
import { LOG_CHUNK_BYTES } from '#pipelines/wire/runner.ts'

const head = { run: 3 as RunId, lease: 'x'.repeat(20), seq: 1, step: 1 }
const framed = (packed: Packed, size = 1) => decodeLog(encodeLog({ ...head, packed }, Buffer.alloc(size)))

test('a frame of packed log says what becomes of it', () => {
  const packed = { bytes: 10, lines: 1, open: true }
  expect(framed(packed)).toEqual({ head: { ...head, packed }, bytes: new Uint8Array(1) })
})

test.each<[string, Packed, number]>([
  ['more than a piece may hold', { bytes: LOG_CHUNK_BYTES + 1, lines: 0, open: true }, 1],
  ['nothing', { bytes: 0, lines: 0, open: true }, 1],
  ['more lines than bytes', { bytes: 10, lines: 11, open: false }, 1],
  ['a line end in every byte, and an open line', { bytes: 10, lines: 10, open: true }, 1],
  ['no line end, and no open line', { bytes: 10, lines: 0, open: false }, 1],
  ['less than a line', { bytes: 10, lines: -1, open: true }, 1],
  ['half a byte', { bytes: 1.5, lines: 0, open: true }, 1],
  ['less than it is packed', { bytes: 10, lines: 0, open: true }, 11],
])('packed log that is said to be %s is refused', (_, packed, size) => {
  expect(framed(packed, size)).toBeNull()
})

test('a piece that is longer than a piece may be is refused, packed or not', () => {
  expect(decodeLog(encodeLog(head, Buffer.alloc(LOG_CHUNK_BYTES)))).not.toBeNull()
  expect(decodeLog(encodeLog(head, Buffer.alloc(LOG_CHUNK_BYTES + 1)))).toBeNull()
})

test('line ends are counted, wherever the bytes lie and whatever stands between', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 3_000 }),
    fc.array(fc.constantFrom(0x0a, 0x0b, 0x8a, 0x00, 0xff), { maxLength: 3_000 }).map(Buffer.from),
    fc.nat(3_000).map((length) => Buffer.alloc(length, 0x0a)),
  )
  fc.assert(
    fc.property(bytes, fc.nat(8), (all, from) => {
      const seen = all.subarray(from)
      expect(countLines(seen)).toBe([...seen].filter((byte) => byte === 0x0a).length)
    }),
  )
})
