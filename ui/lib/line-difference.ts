import { diffArrays } from 'diff'

/** Lines, from 1, that have no counterpart in the other text. */
export type LineDifference = { readonly mine: readonly number[]; readonly theirs: readonly number[] }

/** So many lines without a counterpart are looked for; beyond that every line counts as different. */
const MOST_DIFFERENT = 1_000

/** In which lines two texts differ: what is left of both beside what they have in common. */
export function differenceOf(mine: string, theirs: string): LineDifference {
  const [a, b] = [mine.split('\n'), theirs.split('\n')]
  const parts = diffArrays(a, b, { maxEditLength: MOST_DIFFERENT })
  if (!parts) return { mine: numbered(a, 1), theirs: numbered(b, 1) }
  const found = { mine: [] as number[], theirs: [] as number[] }
  let [left, right] = [1, 1]
  for (const { value, added, removed } of parts) {
    if (removed) found.mine.push(...numbered(value, left))
    if (added) found.theirs.push(...numbered(value, right))
    if (!added) left += value.length
    if (!removed) right += value.length
  }
  return found
}

const numbered = (lines: readonly string[], first: number) => lines.map((_, at) => first + at)

/** `line 3`, `lines 3 to 5 and 9`. */
export function lineWords(lines: readonly number[]): string {
  const ranges: [number, number][] = []
  for (const line of lines) {
    const last = ranges.at(-1)
    if (last && last[1] === line - 1) last[1] = line
    else ranges.push([line, line])
  }
  const words = ranges.map(([from, to]) => (from === to ? `${from}` : `${from} to ${to}`))
  const said = words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
  return lines.length === 1 ? `line ${said}` : `lines ${said}`
}
