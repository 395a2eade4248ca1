import { randomBytes } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { isKey, type Store } from './store.ts'

const PIECE_BYTES = 256 * 1024

/** A folder of this machine: a file for each key, written aside and put in its place when it is whole. */
export function directoryStore(folder: string): Store {
  const place = (key: string): string => {
    if (!isKey(key)) throw new Error(`${JSON.stringify(key)} is no key`)
    return join(folder, key)
  }
  return {
    words: `the folder ${folder}`,
    async put(key, content, signal) {
      const path = place(key)
      const half = join(folder, 'half', randomBytes(16).toString('hex'))
      await mkdir(dirname(half), { recursive: true })
      try {
        const file = createWriteStream(half, { flags: 'wx', mode: 0o600, flush: true })
        await pipeline(content, file, { signal })
        await mkdir(dirname(path), { recursive: true })
        await rename(half, path)
      } finally {
        await rm(half, { force: true })
      }
    },
    get: (key) => opened(place(key)),
    remove: (key) => rm(place(key), { force: true }),
  }
}

async function opened(path: string): Promise<Readable | null> {
  try {
    const file = await open(path, 'r')
    return createReadStream('', { fd: file, highWaterMark: PIECE_BYTES })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
