import { open, readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'

/** Every way in which a secret could stand somewhere: as it is, in base64 at each of its three alignments, in hex, in a URL. */
export function spellingsOf(secret: string): string[] {
  const base64 = [0, 1, 2].map((shift) => {
    const text = Buffer.from('x'.repeat(shift) + secret).toString('base64')
    // what neighbours would change is cut off at both ends
    return text.slice(shift === 0 ? 0 : 4, -4)
  })
  return [secret, ...base64, Buffer.from(secret).toString('hex'), encodeURIComponent(secret)]
}

/** Which of these texts stand in a text. */
export const standingIn = (text: string, texts: readonly string[]): string[] =>
  texts.filter((each) => text.includes(each))

const PIECE = 4 * 1024 * 1024
/** No text that is looked for is longer. */
const OVERLAP = 1_024

/** Which of these texts stand in which file below a folder, links to folders followed; `text in path`. */
export async function standingBelow(folder: string, texts: readonly string[]): Promise<string[]> {
  const found: string[] = []
  const wanted = texts.map((text) => ({ text, bytes: Buffer.from(text) }))
  const visit = async (path: string): Promise<void> => {
    const entries = await readdir(path, { withFileTypes: true }).catch(() => []) // gone meanwhile
    for (const entry of entries) {
      const at = join(path, entry.name)
      if (entry.isDirectory()) await visit(at)
      else if (entry.isSymbolicLink()) await visit(await realpath(at).catch(() => ''))
      else if (entry.isFile()) found.push(...(await inFile(at, wanted)).map((text) => `${text} in ${at}`))
    }
  }
  await visit(folder)
  return found
}

type Wanted = { readonly text: string; readonly bytes: Buffer }

async function inFile(path: string, wanted: readonly Wanted[]): Promise<string[]> {
  const file = await open(path).catch(() => null) // gone meanwhile
  if (file === null) return []
  await using _ = file
  const found = new Set<string>()
  const piece = Buffer.alloc(PIECE + OVERLAP)
  for (let at = 0; ;) {
    const { bytesRead } = await file.read(piece, 0, piece.length, at)
    const seen = piece.subarray(0, bytesRead)
    for (const { text, bytes } of wanted) if (seen.includes(bytes)) found.add(text)
    if (bytesRead < piece.length) return [...found]
    at += PIECE
  }
}
