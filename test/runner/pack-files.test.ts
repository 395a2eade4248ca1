import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import tar from 'tar-stream'
import { expect, test } from 'vitest'
import type { Workspace } from '../../runner/engine.ts'
import { packFiles } from '../../runner/freight/pack-files.ts'
import { until } from '../support/until.ts'

const MIB = 2 ** 20
const BOUNDS = { packedBytes: 1_000 * MIB, bytes: 1_000 * MIB, files: 100 }

/** A workspace that holds one large file, and the stream by which it was read. */
function largeFile() {
  const reading: Readable[] = []
  const pack = tar.pack()
  const sink = pack.entry({ name: 'work/large', size: 64 * MIB })
  Readable.from(
    (function* () {
      for (let at = 0; at < 64; at++) yield randomBytes(MIB)
    })(),
  ).pipe(sink as unknown as NodeJS.WritableStream)
  const read = async () => {
    const files = Readable.from(pack as AsyncIterable<Buffer>, { objectMode: false })
    reading.push(files)
    return files
  }
  return { workspace: { read } as unknown as Workspace, reading }
}

test('an archive that is given up half way ends what it reads from', async () => {
  const { workspace, reading } = largeFile()
  const { stream } = packFiles(workspace, {
    folder: 'work',
    roots: [''],
    matches: () => true,
    signal: new AbortController().signal,
    bounds: BOUNDS,
    words: 'What is kept',
  })
  stream.on('error', () => {}) // given up on purpose
  await new Promise<void>((resolve) => stream.once('readable', resolve))
  expect(reading.map(({ destroyed }) => destroyed)).toEqual([false])
  stream.destroy()
  await until(() => reading.every(({ destroyed }) => destroyed))
})
