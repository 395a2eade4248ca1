import { contentEnd, holdsText, readLine, type Step } from './yaml-lines.ts'

/** A bracket that is open: what is written in it at the moment. */
type Frame = {
  readonly isList: boolean
  readonly keys: string[]
  key: string | null
  token: string
  column: number
}
/** What is open at the end of some lines. */
type Open = { frames: Frame[]; line: number; opener: string; column: number }

/** What is being written, wherever the line lies in the document. */
export type Written = {
  /** From the root to the mapping, list item or value that is being written. */
  readonly path: readonly Step[]
  /** Whether a key goes here, the value of a key, or (in a list) either. */
  readonly at: 'key' | 'value' | 'either'
  /** What is there of it already. */
  readonly typed: string
  /** The keys that the mapping has already. */
  readonly siblings: readonly string[]
  /** Where on the line it begins, from 0. */
  readonly column: number
}

type Flow = {
  /** The line that the outermost bracket stands on, from 0, and its text up to the bracket. */
  readonly line: number
  readonly opener: string
  /** Its path begins at the bracket. */
  readonly inside: Written
}

/**
 * Between which brackets the end of the lines stands; null where between none.
 *
 * A bracket that nobody closed ends where a line further left begins with a key: people write one line at a time.
 */
export function flowAt(lines: readonly string[]): Flow | 'in text' | null {
  let open: Open | null = null
  /** The lines of a text stand further right than this. */
  let textBehind: number | null = null
  for (const [number, line] of lines.entries()) {
    const column = line.search(/\S/)
    const isLast = number === lines.length - 1
    if (textBehind !== null) {
      if (isLast ? (column < 0 ? line.length : column) > textBehind : column < 0 || column > textBehind) {
        if (isLast) return 'in text'
        continue
      }
      textBehind = null
    }
    const { entries, rest } = readLine(line)
    if (open && entries.some(({ key }) => key !== null) && column <= open.column) open = null
    if (open) {
      scan(open.frames, line, Math.max(0, column))
    } else if (holdsText(line)) {
      textBehind = entries.at(-1)?.column ?? column
    } else if (line[rest] === '[' || line[rest] === '{') {
      open = { frames: [], line: number, opener: line.slice(0, rest), column: Math.max(0, column) }
      scan(open.frames, line, rest)
    }
    if (open?.frames.length === 0) open = null
  }
  return open && { line: open.line, opener: open.opener, inside: inside(open.frames, lines.at(-1) ?? '') }
}

const frame = (isList: boolean, column: number): Frame => ({ isList, keys: [], key: null, token: '', column })

/** Goes on from `from` to the end of the line, or to where the last bracket is closed. */
function scan(frames: Frame[], line: string, from: number): void {
  const end = contentEnd(line)
  for (const one of frames) [one.token, one.column] = ['', end]
  for (let at = from; at < end; at++) {
    const sign = line[at] ?? ''
    const top = frames.at(-1)
    if (sign === '[' || sign === '{') frames.push(frame(sign === '[', end))
    else if (sign === ']' || sign === '}') {
      frames.pop()
      if (frames.length === 0) return
    } else if (top) take(top, line, at)
    if ((sign === '"' || sign === "'") && top?.token === sign) at = closing(line, at, sign, top)
  }
}

/** Skips to the end of what is quoted. */
function closing(line: string, from: number, quote: string, top: Frame): number {
  const close = line.indexOf(quote, from + 1)
  const end = close < 0 ? line.length : close
  top.token = line.slice(from, end + 1)
  return end
}

function take(top: Frame, line: string, at: number): void {
  const sign = line[at] ?? ''
  if (sign === ',') {
    top.key = null
    top.token = ''
    top.column = line.length
  } else if (sign === ':' && /^(?:\s|$)/.test(line.slice(at + 1))) {
    top.key = top.token.trim().replace(/^(["'])(.*)\1$/, '$2')
    top.keys.push(top.key)
    top.token = ''
    top.column = line.length
  } else if (top.token !== '' || /\S/.test(sign)) {
    if (top.token === '') top.column = at
    top.token += sign
  }
}

function inside(frames: readonly Frame[], line: string): Written {
  const path: Step[] = []
  for (const one of frames) {
    if (one.isList) path.push(null)
    if (one.key !== null) path.push(one.key)
  }
  const top = frames.at(-1)
  const typed = top?.token ?? ''
  const at = top?.key != null ? 'value' : top?.isList ? 'either' : 'key'
  const column = typed === '' ? line.length : (top?.column ?? line.length)
  return { path, at, typed, siblings: top?.keys ?? [], column }
}
