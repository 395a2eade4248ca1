import { distance } from 'fastest-levenshtein'

/** The known word nearest to what was written, or null when nothing is near enough to be a slip of the finger. */
export function suggest(written: string, known: readonly string[]): string | null {
  if (written.length > 200) return null
  const lower = written.toLowerCase()
  let best: { word: string; far: number } | null = null
  for (const word of known) {
    const far = farFrom(lower, word.toLowerCase())
    if (!best || far < best.far) best = { word, far }
  }
  const most = best && Math.max(best.word.length > 3 ? 2 : 1, Math.floor(best.word.length / 3))
  return best && most !== null && best.far <= most && best.far < best.word.length ? best.word : null
}

/** Letters that changed places are one slip of the finger, however they are counted. */
const farFrom = (written: string, word: string) =>
  written !== word && lettersOf(written) === lettersOf(word) ? 1 : distance(written, word)
const lettersOf = (word: string) => [...word].toSorted().join('')

const MOST_LISTED = 40
/** "did you mean …?", or what there is to choose from. */
export function hintFor(written: string, known: readonly string[], open = 'known'): string {
  const near = suggest(written, known)
  if (near !== null) return `did you mean \`${near}\`?`
  return known.length === 0 || known.length > MOST_LISTED ? '' : `${open}: ${known.join(', ')}`
}
