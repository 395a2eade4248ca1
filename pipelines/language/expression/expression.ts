import { type Problem, type Token, tokensOf } from './tokens.ts'

/** What an `if` says. `at` counts from the beginning of its source. */
export type Expression =
  | { readonly kind: 'value'; readonly name: string; readonly at: number }
  | { readonly kind: 'text' | 'number'; readonly text: string; readonly at: number }
  | { readonly kind: 'bool'; readonly value: boolean; readonly at: number }
  | { readonly kind: 'not'; readonly of: Expression; readonly at: number }
  | {
      readonly kind: 'and' | 'or' | 'equal' | 'unequal'
      readonly left: Expression
      readonly right: Expression
      readonly at: number
    }
  | {
      readonly kind: 'call'
      readonly call: Call
      readonly first: Expression
      readonly second: Expression
      readonly at: number
    }

export const CALLS = ['contains', 'startsWith', 'endsWith', 'matches'] as const
export type Call = (typeof CALLS)[number]

const MOST = { letters: 2_000, depth: 50 }
type Reader = { readonly tokens: readonly Token[]; next: number }
type Read = Expression | Problem

/**
 * Read an expression: `||` binds loosest, then `&&`, then `==` and `!=`, then `!`.
 *
 * @returns What is wrong with it, and where, instead of throwing.
 */
export function parseExpression(source: string): Expression | Problem {
  if (source.length > MOST.letters)
    return { problem: `an expression has at most ${MOST.letters} characters`, at: 0 }
  const tokens = tokensOf(source)
  if ('problem' in tokens) return tokens
  const reader: Reader = { tokens, next: 0 }
  const read = either(reader, 0)
  if ('problem' in read) return read
  const rest = peek(reader)
  return rest.kind === 'end' ? read : { problem: `\`${rest.text}\` was not expected here`, at: rest.at }
}

const END: Token = { kind: 'end', text: '', at: 0 }
const peek = ({ tokens, next }: Reader): Token => tokens[next] ?? END
const isMark = (token: Token, ...marks: string[]) => token.kind === 'mark' && marks.includes(token.text)

type Level = (reader: Reader, depth: number) => Read
const KINDS = { '||': 'or', '&&': 'and', '==': 'equal', '!=': 'unequal' } as const

/** One level of binding: operands of the next one, with these marks between them. */
const level =
  (marks: readonly (keyof typeof KINDS)[], operand: Level): Level =>
  (reader, depth) => {
    let left = operand(reader, depth)
    while (!('problem' in left)) {
      const mark = marks.find((each) => isMark(peek(reader), each))
      if (!mark) return left
      const { at } = peek(reader)
      reader.next++
      const right = operand(reader, depth)
      if ('problem' in right) return right
      left = { kind: KINDS[mark], left, right, at }
    }
    return left
  }

const not: Level = (reader, depth) => {
  if (depth > MOST.depth) return { problem: `nested deeper than ${MOST.depth} levels`, at: peek(reader).at }
  const token = peek(reader)
  if (!isMark(token, '!')) return operand(reader, depth)
  reader.next++
  const of = not(reader, depth + 1)
  return 'problem' in of ? of : { kind: 'not', of, at: token.at }
}
const comparison = level(['==', '!='], not)
const both = level(['&&'], comparison)
const either: Level = level(['||'], both)

function operand(reader: Reader, depth: number): Read {
  const token = peek(reader)
  reader.next++
  const { at, text } = token
  switch (token.kind) {
    case 'value':
      return { kind: 'value', name: text, at }
    case 'text':
    case 'number':
      return { kind: token.kind, text, at }
    case 'word':
      return text === 'true' || text === 'false'
        ? { kind: 'bool', value: text === 'true', at }
        : call(reader, token, depth)
    case 'mark':
      return text === '('
        ? closed(reader, either(reader, depth + 1))
        : { problem: `\`${text}\` was not expected here`, at }
    case 'end':
      return { problem: 'the expression ends where a value is expected', at }
  }
}

function closed(reader: Reader, read: Read): Read {
  if ('problem' in read) return read
  const token = peek(reader)
  if (!isMark(token, ')')) return { problem: 'a `)` is missing', at: token.at }
  reader.next++
  return read
}

function call(reader: Reader, { text, at }: Token, depth: number): Read {
  const name = CALLS.find((each) => each === text)
  if (!name || !isMark(peek(reader), '('))
    return { problem: `\`${text}\` is no word of an expression; write texts in quotes`, at }
  reader.next++
  const first = either(reader, depth + 1)
  if ('problem' in first) return first
  const comma = peek(reader)
  if (!isMark(comma, ','))
    return { problem: `\`${name}\` takes two texts with a comma between them`, at: comma.at }
  reader.next++
  const second = either(reader, depth + 1)
  if ('problem' in second) return second
  return closed(reader, { kind: 'call', call: name, first, second, at })
}

/** The values an expression asks for. */
export function valuesIn(expression: Expression): { readonly name: string; readonly at: number }[] {
  switch (expression.kind) {
    case 'value':
      return [expression]
    case 'text':
    case 'number':
    case 'bool':
      return []
    case 'not':
      return valuesIn(expression.of)
    case 'call':
      return [...valuesIn(expression.first), ...valuesIn(expression.second)]
    case 'and':
    case 'or':
    case 'equal':
    case 'unequal':
      return [...valuesIn(expression.left), ...valuesIn(expression.right)]
  }
}
