import { describe, expect, test } from 'vitest'
import { Intake } from '../../runner/docker/intake.ts'

/** A frame of an engine's attach stream. */
function frame(stream: 1 | 2, content: Uint8Array): Buffer {
  const head = Buffer.alloc(8)
  head[0] = stream
  head.writeUInt32BE(content.length, 4)
  return Buffer.concat([head, content])
}

function source() {
  const asked = { resumed: 0, destroyed: 0 }
  const intake = new Intake({ resume: () => asked.resumed++, destroy: () => asked.destroyed++ })
  return { intake, asked }
}

async function all(intake: Intake): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of intake) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

/** So much of it as a read brings at most. */
const cut = (bytes: Buffer, size: number) =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
    bytes.subarray(at * size, (at + 1) * size),
  )

describe('what a container says', () => {
  test.each([1, 3, 7, 8, 9, 1_000])(
    'is taken out of its frames, also where %i bytes come at a time',
    async (size) => {
      const said = [Buffer.from('one\n'), Buffer.alloc(0), Buffer.from('two\n'), Buffer.alloc(700, 'x')]
      const wire = Buffer.concat(said.map((content, at) => frame(at % 2 === 0 ? 1 : 2, content)))
      const { intake } = source()
      const heard = all(intake)
      for (const piece of cut(wire, size)) {
        intake.take(piece)
        await null
      }
      intake.end(null)
      expect(await heard).toEqual(Buffer.concat(said))
    },
  )

  test('is not read on where nobody asks for it, and is once somebody has taken what is there', async () => {
    const { intake, asked } = source()
    const piece = frame(1, Buffer.alloc(100_000, 'x'))
    const taken = Array.from({ length: 3 }, () => intake.take(piece))
    expect(taken).toEqual([true, true, false])
    expect(asked.resumed).toBe(0)
    const { value } = await intake.next()
    expect(value?.length).toBe(300_000)
    expect(asked.resumed).toBe(1)
    expect(intake.take(piece)).toBe(true)
  })

  test('comes at once after a quiet time, and in larger pieces where it is a flood', async () => {
    const { intake } = source()
    const sizes: number[] = []
    const heard = (async () => {
      for await (const piece of intake) sizes.push(piece.length)
    })()
    intake.take(frame(1, Buffer.from('first')))
    await null
    await null
    await null
    expect(sizes).toEqual([5])
    for (let read = 0; read < 50; read++) {
      intake.take(frame(1, Buffer.alloc(20_000, 'x')))
      await null
      await null
      await null
    }
    intake.end(null)
    await heard
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(1_000_005)
    expect(sizes.length).toBeLessThan(20)
  })

  test('is whole before the error that ended it', async () => {
    const { intake } = source()
    intake.take(frame(1, Buffer.from('last words')))
    intake.end(new Error('reset'))
    intake.end(null)
    expect(String((await intake.next()).value)).toBe('last words')
    await expect(intake.next()).rejects.toThrow('reset')
  })

  test('ends the connection where its reader leaves', async () => {
    const { intake, asked } = source()
    intake.take(frame(1, Buffer.from('x')))
    for await (const _ of intake) break
    expect(asked.destroyed).toBe(1)
  })
})
