import { Readable } from 'node:stream'
import { createZstdDecompress } from 'node:zlib'
import type { Load } from './load.ts'

/** An archive's worth of a folder: where it goes, and where the server has it. */
type Unpacking = { readonly from: string; readonly to: string }

/** Fetch an archive and unpack it below a folder of the workspace. @returns Its answer's headers; null where there is none. */
export const unpackInto = (load: Load, { from, to }: Unpacking): Promise<Headers | null> =>
  unpackAs(load, from, (tar) => load.workspace.write(to, tar, load.signal))

/** Fetch an archive and hand it on unpacked. @returns Its answer's headers; null where there is none. */
export async function unpackAs(
  { call, work, signal }: Load,
  from: string,
  write: (tar: Readable) => Promise<void>,
): Promise<Headers | null> {
  const answer = await call(work, { path: from, signal })
  if (answer.status === 204 || !answer.body) return null
  const packed = Readable.fromWeb(answer.body as Parameters<typeof Readable.fromWeb>[0])
  const tar = createZstdDecompress()
  packed.on('error', (error) => tar.destroy(error)).pipe(tar)
  try {
    await write(tar)
  } finally {
    packed.destroy()
    tar.destroy()
  }
  return answer.headers
}
