/** Lines, from 1, that have no counterpart in the other text. */
export type LineDifference = { readonly mine: readonly number[]; readonly theirs: readonly number[] }

/** As many pairs of lines as are compared; beyond that the whole middle counts as different. */
const MOST_PAIRS = 4_000_000

/** In which lines two texts differ: what is left of both beside their longest common sequence. */
export function differenceOf(mine: string, theirs: string): LineDifference {
  const [a, b] = [mine.split('\n'), theirs.split('\n')]
  let start = 0
  while (start < Math.min(a.length, b.length) && a[start] === b[start]) start++
  let [aEnd, bEnd] = [a.length, b.length]
  while (aEnd > start && bEnd > start && a[aEnd - 1] === b[bEnd - 1]) [aEnd, bEnd] = [aEnd - 1, bEnd - 1]
  const left = middle(a.slice(start, aEnd), b.slice(start, bEnd))
  const numbered = (lines: readonly number[]) => lines.map((line) => line + start + 1)
  return { mine: numbered(left.mine), theirs: numbered(left.theirs) }
}

function middle(a: readonly string[], b: readonly string[]): LineDifference {
  if (a.length * b.length > MOST_PAIRS) return { mine: [...a.keys()], theirs: [...b.keys()] }
  const width = b.length + 1
  const common = new Uint32Array((a.length + 1) * width)
  const at = (i: number, j: number) => common[i * width + j] ?? 0
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      common[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
  const mine: number[] = []
  const theirs: number[] = []
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length)
    if (i < a.length && j < b.length && a[i] === b[j]) [i, j] = [i + 1, j + 1]
    else if (j === b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1))) mine.push(i++)
    else theirs.push(j++)
  return { mine, theirs }
}

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
