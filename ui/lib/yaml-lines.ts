/** One step down a document: a key of a mapping, or null for an item of a list. */
export type Step = string | null

/** What begins on a line at a column (from 0): the item of a list (`- `), or a key. */
export type Entry = { readonly column: number; readonly key: Step }
/** Its entries from left to right, and where the text behind them begins. */
export type Line = { readonly entries: readonly Entry[]; readonly rest: number }

const KEY = /(?:"((?:[^"\\]|\\.)*)"|'((?:[^']|'')*)'|(?!-\s)([^\s'"#{}[\],&*!|>%@`][^:#]*?))\s*:(?=\s|$)/y
/** The value is a text of several lines, which follow. */
const BLOCK_TEXT = /^(?:[&!]\S*\s+)*[|>][-+0-9]*\s*(?:#.*)?$/
/** Nothing, but for an anchor, a tag or a comment. */
const NO_VALUE = /^(?:[&!]\S*\s*)*(?:#.*)?$/

export function readLine(line: string): Line {
  const entries: Entry[] = []
  let at = line.search(/\S/)
  if (at < 0) return { entries, rest: line.length }
  if (line[at] === '#') return { entries, rest: at }
  for (let item = /^-(?:\s+|$)/.exec(line.slice(at)); item; item = /^-(?:\s+|$)/.exec(line.slice(at))) {
    entries.push({ column: at, key: null })
    at += item[0].length
  }
  KEY.lastIndex = at
  const found = KEY.exec(line)
  if (!found) return { entries, rest: at }
  entries.push({ column: at, key: found[1] ?? found[2] ?? found[3] ?? '' })
  const end = KEY.lastIndex
  return { entries, rest: end + (/^\s*/.exec(line.slice(end))?.[0].length ?? 0) }
}

/** Where a comment begins on the line; its length where there is none. */
export function contentEnd(line: string): number {
  let quote: string | null = null
  for (let at = 0; at < line.length; at++) {
    const sign = line[at] ?? ''
    if (quote !== null) {
      if (sign === '\\' && quote === '"') at++
      else if (sign === quote) quote = null
    } else if ((sign === '"' || sign === "'") && /(?:^|[\s,:[{-])$/.test(line.slice(0, at))) quote = sign
    else if (sign === '#' && (at === 0 || /\s/.test(line[at - 1] ?? ''))) return at
  }
  return line.length
}

export const holdsText = (line: string): boolean => BLOCK_TEXT.test(line.slice(readLine(line).rest))

/** Where the line after this one begins: deeper where its last key has no value yet, else below its first key. */
export function columnBelow(line: string): number {
  const { entries, rest } = readLine(line)
  const last = entries.at(-1)
  if (!last) return Math.max(0, line.search(/\S/))
  const isOpen = NO_VALUE.test(line.slice(rest)) || holdsText(line)
  return isOpen ? last.column + 2 : (entries.find(({ key }) => key !== null) ?? last).column
}

/**
 * The way from the root to the last of `own`, the entries of a line, by the lines above it; and the keys beside it up there.
 *
 * @returns null where it stands in a text of several lines, or below a value that is whole.
 */
export function blockPath(
  above: readonly string[],
  own: readonly Entry[],
): { readonly path: readonly Step[]; readonly siblings: readonly string[] } | null {
  const last = own.at(-1)
  if (!last) return { path: [], siblings: [] }
  const path: Step[] = [last.key]
  const siblings: string[] = []
  let child = last
  const isParent = (entry: Entry) =>
    entry.column < child.column || (child.key === null && entry.key !== null && entry.column === child.column)
  for (const entry of own.slice(0, -1).toReversed()) path.unshift((child = entry).key)
  let isFirst = own.length === 1
  for (const line of above.toReversed()) {
    const { entries, rest } = readLine(line)
    for (const [at, entry] of [...entries.entries()].toReversed()) {
      if (!isParent(entry)) {
        if (isFirst && entry.column === last.column && entry.key !== null) siblings.push(entry.key)
        continue
      }
      if (at === entries.length - 1 && !NO_VALUE.test(line.slice(rest))) return null
      isFirst = false
      path.unshift(entry.key)
      child = entry
    }
  }
  return { path, siblings }
}
