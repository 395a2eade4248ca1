import { Readable } from 'node:stream'
import type { Load } from './load.ts'
import { type Contents, type Packed, packFiles, type Packing } from './pack-files.ts'

/** So many entries that were left out are named. */
const MOST_NAMED = 20

type Sending = Omit<Packing, 'signal'> & { readonly to: string }

/** Pack files and hand them to the server while they are packed. @returns What was in the archive, and what the server said. */
export async function sendFiles(
  load: Load,
  { to, ...packing }: Sending,
): Promise<Contents & { readonly answer: string }> {
  const { call, work, workspace, signal, say } = load
  const tries: Packed[] = []
  const body = async () => {
    tries.at(-1)?.stream.destroy()
    const packed = packFiles(workspace, { ...packing, signal })
    tries.push(packed)
    return Readable.toWeb(packed.stream) as ReadableStream
  }
  const answer = await call(work, { method: 'PUT', path: to, body, signal })
  const words = await answer.text()
  const found = tries.at(-1)?.found() ?? { files: 0, bytes: 0, leftOut: [] }
  for (const why of found.leftOut.slice(0, MOST_NAMED)) await say(`Left out: ${why}\n`)
  if (found.leftOut.length > MOST_NAMED) await say(`Left out: ${found.leftOut.length - MOST_NAMED} more\n`)
  return { ...found, answer: words }
}
