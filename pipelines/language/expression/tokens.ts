import { VALUE_NAME } from './interpolate.ts'

export type Token = {
  readonly kind: 'value' | 'text' | 'number' | 'word' | 'mark' | 'end'
  /** What it means: a value's name, a text without its quotes, a number's source. */
  readonly text: string
  /** Counts from the beginning of the expression. */
  readonly at: number
}
export type Problem = { readonly problem: string; readonly at: number }

const MARKS = ['==', '!=', '&&', '||', '!', '(', ')', ',']
const TOKEN =
  /\s*(?:\$\(([^()]*)\)|"((?:[^"\\]|\\.)*)"|'([^']*)'|(-?\d+(?:\.\d+)*)|([A-Za-z_]+)|(==|!=|&&|\|\||[!(),]))/y

/** An expression cut into tokens, the end included. */
export function tokensOf(source: string): Token[] | Problem {
  const tokens: Token[] = []
  const end = source.trimEnd().length
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < end) {
    const from = TOKEN.lastIndex
    const found = TOKEN.exec(source)
    if (!found) return stray(source, from)
    const token = tokenOf(found)
    if ('problem' in token) return token
    tokens.push(token)
  }
  return [...tokens, { kind: 'end', text: '', at: end }]
}

function tokenOf(found: RegExpExecArray): Token | Problem {
  const [whole, value, double, single, number, word, mark] = found
  const at = found.index + whole.length - whole.trimStart().length
  if (value !== undefined) {
    const name = value.trim()
    if (!VALUE_NAME.test(name))
      return { problem: `\`${whole.trim()}\` is no value such as $(src.branch)`, at }
    return { kind: 'value', text: name, at }
  }
  if (double !== undefined) return { kind: 'text', text: double.replaceAll(/\\(.)/g, '$1'), at }
  if (single !== undefined) return { kind: 'text', text: single, at }
  if (number !== undefined) return { kind: 'number', text: number, at }
  if (word !== undefined) return { kind: 'word', text: word, at }
  return { kind: 'mark', text: mark ?? '', at }
}

function stray(source: string, from: number): Problem {
  const at = from + (source.slice(from).length - source.slice(from).trimStart().length)
  const letter = String.fromCodePoint(source.codePointAt(at) ?? 0)
  if (letter === '"' || letter === "'") return { problem: 'this text is not closed', at }
  const hint = letter === '=' || letter === '&' || letter === '|' ? `; write \`${letter}${letter}\`` : ''
  return { problem: `\`${letter}\` means nothing here${hint || `; known: ${MARKS.join(' ')}`}`, at }
}
