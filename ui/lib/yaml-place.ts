import { blockPath, contentEnd, readLine } from './yaml-lines.ts'
import { flowAt, type Written } from './yaml-flow.ts'

/** Where in a document somebody writes; reckoned from indentation and brackets, so that a half-written one has places too. */
export type YamlPlace = Written & {
  /** Where in the document it begins. */
  readonly from: number
  /** Whether it stands between brackets. */
  readonly isFlow: boolean
}

/** @returns null where nothing of a pipeline is written: in a comment, in a block of text, behind a whole value. */
export function placeIn(text: string, offset: number): YamlPlace | null {
  const lines = text.slice(0, offset).split('\n')
  const before = lines.at(-1) ?? ''
  if (contentEnd(before) < before.length) return null
  const flow = flowAt(lines)
  if (flow === 'in text') return null
  const start = offset - before.length
  if (flow) {
    const { entries } = readLine(flow.opener)
    const path = blockPath(lines.slice(0, flow.line), entries)?.path
    if (!path || (entries.length === 0 && flow.opener !== '')) return null
    return {
      ...flow.inside,
      path: [...path, ...flow.inside.path],
      from: start + flow.inside.column,
      isFlow: true,
    }
  }
  return inBlock(text, offset, lines)
}

function inBlock(text: string, offset: number, lines: readonly string[]): YamlPlace | null {
  const before = lines.at(-1) ?? ''
  const { entries, rest } = readLine(before)
  const last = entries.at(-1)
  const isValue = last !== undefined && last.key !== null
  // Right behind the colon a value has not begun.
  if (isValue && rest === before.length && !/\s$/.test(before)) return null
  const typed = before.slice(rest)
  const found = blockPath(lines.slice(0, -1), isValue ? entries : [...entries, { column: rest, key: '' }])
  if (!found || /^[|>&*!]/.test(typed)) return null
  const path = isValue ? found.path : found.path.slice(0, -1)
  const column = isValue ? last.column : rest
  const below = text.slice(offset).split('\n').slice(1)
  return {
    path,
    at: isValue ? 'value' : last ? 'either' : 'key',
    typed,
    from: offset - typed.length,
    siblings: isValue ? [] : [...found.siblings, ...keysBelow(below, column)],
    column,
    isFlow: false,
  }
}

/** The keys of the same mapping on the lines that follow. */
function keysBelow(lines: readonly string[], column: number): string[] {
  const keys: string[] = []
  for (const line of lines) {
    const first = readLine(line).entries[0]
    if (first === undefined) {
      if (line.trim() !== '' && line.search(/\S/) < column) break
      continue
    }
    if (first.column < column) break
    if (first.column === column && first.key !== null) keys.push(first.key)
  }
  return keys
}
