import { structuredPatch } from 'diff'

/** Lines that differ, with some around them; each behind ` `, `-` or `+`. */
export type Hunk = { readonly before: number; readonly after: number; readonly lines: readonly string[] }

const AROUND = 3
/** So many lines go or come; to find that they are more takes time by its square. */
const MOST_CHANGED = 1_000

/**
 * How one text became another, line by line. Whether the last line ends is no difference.
 *
 * @returns Null where they differ in so many lines that nobody would read it.
 */
export function diffLines(before: string, after: string): Hunk[] | null {
  const options = { context: AROUND, maxEditLength: MOST_CHANGED }
  const patch = structuredPatch('', '', ended(before), ended(after), undefined, undefined, options)
  return (
    patch?.hunks.map(({ oldStart, newStart, lines }) => ({ before: oldStart, after: newStart, lines })) ??
    null
  )
}

const ended = (text: string) => (text === '' || text.endsWith('\n') ? text : `${text}\n`)
