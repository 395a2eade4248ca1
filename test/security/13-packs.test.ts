import { createHash } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { hostedProject } from '../support/repository.ts'
import { startHouse } from '../support/server.ts'

const BLOB = 3
const REF_DELTA = 7
const sha1 = (bytes: Buffer) => createHash('sha1').update(bytes).digest()

/** Numbers as packs write them: seven bits a byte, the last ones first. */
function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))]
}

/** An object as it lies in a pack: its kind and its size, then its bytes, compressed. */
function packed(kind: number, bytes: Buffer, ...between: Buffer[]): Buffer {
  const rest = Math.floor(bytes.length / 16)
  const first = (kind << 4) | (bytes.length % 16)
  const head = rest > 0 ? [first | 128, ...varint(rest)] : [first]
  return Buffer.concat([Buffer.from(head), ...between, deflateSync(bytes)])
}

/** A pack of some kilobytes, whose second object copies all of the first, so many times. */
function bomb(times: number): Buffer {
  const base = Buffer.alloc(0xffffff)
  const name = sha1(Buffer.concat([Buffer.from(`blob ${base.length}\0`), base]))
  const copy = Buffer.from([0x80 | 0x10 | 0x20 | 0x40, 0xff, 0xff, 0xff])
  const sizes = Buffer.from([...varint(base.length), ...varint(base.length * times)])
  const delta = Buffer.concat([sizes, ...Array<Buffer>(times).fill(copy)])
  const head = Buffer.concat([Buffer.from('PACK'), Buffer.from([0, 0, 0, 2, 0, 0, 0, 2])])
  const pack = Buffer.concat([head, packed(BLOB, base), packed(REF_DELTA, delta, name)])
  return Buffer.concat([pack, sha1(pack)])
}

test('a push of a few bytes that stand for very many is refused before they are made', async () => {
  await using house = await startHouse()
  await using _ = await hostedProject(house, 'shop')
  const line = `${'0'.repeat(40)} ${'a'.repeat(40)} refs/heads/main\0report-status`
  const command = `${(line.length + 4).toString(16).padStart(4, '0')}${line}0000`
  const pack = bomb(56)
  expect(pack.length).toBeLessThan(100_000)
  const answer = await fetch(`${house.url}/git/shop.git/git-receive-pack`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-git-receive-pack-request',
      authorization: `Basic ${Buffer.from(`x:${house.token}`).toString('base64')}`,
    },
    body: Buffer.concat([Buffer.from(command), pack]),
  })
  const said = await answer.text()
  expect(said).not.toContain('unpack ok')
  expect(said).toMatch(/unpack .*abnormal exit/)
  expect((await house.ask('GET /api/v1/deliveries')).body.items).toEqual([])
})
