/** Lines that differ, with some around them; each behind ` `, `-` or `+`. */
export type Hunk = { readonly before: number; readonly after: number; readonly lines: readonly string[] }

const AROUND = 3
/** So many lines of each are compared with each other, behind what begins and ends alike. */
const MOST_LINES = 1_000

/**
 * How one text became another, line by line.
 *
 * @returns Null where they differ in so many lines that nobody would read it.
 */
export function diffLines(before: string, after: string): Hunk[] | null {
  const [a, b] = [linesOf(before), linesOf(after)]
  let head = 0
  while (head < a.length && head < b.length && a[head] === b[head]) head++
  let tail = 0
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++
  const [from, to] = [a.slice(head, a.length - tail), b.slice(head, b.length - tail)]
  if (from.length > MOST_LINES || to.length > MOST_LINES) return null
  const same = (lines: readonly string[]) => lines.map((line) => ` ${line}`)
  return hunksOf([...same(a.slice(0, head)), ...changes(from, to), ...same(a.slice(a.length - tail))])
}

/** A last line that ends is no further one. */
const linesOf = (text: string) => (text === '' ? [] : text.replace(/\n$/, '').split('\n'))

/** The longest common subsequence stays; what is gone stands before what is new. */
function changes(a: readonly string[], b: readonly string[]): string[] {
  const wide = b.length + 1
  const common = new Uint16Array((a.length + 1) * wide)
  const at = (i: number, j: number) => common[i * wide + j] ?? 0
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      common[i * wide + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
  const lines: string[] = []
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push(` ${a[i++]}`)
      j++
    } else if (i < a.length && (j === b.length || at(i + 1, j) >= at(i, j + 1))) lines.push(`-${a[i++]}`)
    else lines.push(`+${b[j++]}`)
  }
  return lines
}

/** Only what changed, and what stands around it. */
function hunksOf(lines: readonly string[]): Hunk[] {
  const near = lines.map((_, at) =>
    lines.slice(Math.max(0, at - AROUND), at + AROUND + 1).some((line) => !line.startsWith(' ')),
  )
  const hunks: { before: number; after: number; lines: string[] }[] = []
  let [before, after, isOpen] = [1, 1, false]
  lines.forEach((line, at) => {
    if (near[at]) {
      if (!isOpen) hunks.push({ before, after, lines: [] })
      hunks.at(-1)?.lines.push(line)
    }
    isOpen = near[at] ?? false
    if (!line.startsWith('+')) before++
    if (!line.startsWith('-')) after++
  })
  return hunks
}
