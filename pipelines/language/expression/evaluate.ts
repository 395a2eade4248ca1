import { matchesGlob } from '../glob.ts'
import { type Call, type Expression, parseExpression } from './expression.ts'
import type { Values } from './interpolate.ts'
import type { Problem } from './tokens.ts'

/** What a value may be: `text` is never true or false by itself, `any` may be. */
export type Kind = 'text' | 'number' | 'bool' | 'any'

/**
 * Whether the kinds in an expression go together and it is true or false as a whole.
 *
 * @param kindOf What is known of a value beforehand.
 * @returns What does not fit, or null.
 */
export function kindProblem(expression: Expression, kindOf: (name: string) => Kind): Problem | null {
  const found = kindIn(expression, kindOf)
  if (typeof found !== 'string') return found
  return yesOrNo(found) ? null : notYesOrNo(expression, found)
}

const yesOrNo = (kind: Kind) => kind === 'bool' || kind === 'any'
const notYesOrNo = (expression: Expression, kind: Kind): Problem => ({
  problem: `a ${kind} stands where true or false is expected; compare it with == or !=`,
  at: expression.at,
})

function kindIn(expression: Expression, kindOf: (name: string) => Kind): Kind | Problem {
  switch (expression.kind) {
    case 'value':
      return kindOf(expression.name)
    case 'text':
    case 'number':
    case 'bool':
      return expression.kind
    case 'not':
      return allYesOrNo([expression.of], kindOf)
    case 'and':
    case 'or':
      return allYesOrNo([expression.left, expression.right], kindOf)
    case 'equal':
    case 'unequal':
      return comparable(expression, kindOf)
    case 'call': {
      const kinds = [expression.first, expression.second].map((each) => kindIn(each, kindOf))
      const problem = kinds.find((kind) => typeof kind !== 'string')
      if (problem) return problem
      const bad = kinds.includes('bool')
      return bad ? { problem: `\`${expression.call}\` takes texts`, at: expression.at } : 'bool'
    }
  }
}

function allYesOrNo(operands: readonly Expression[], kindOf: (name: string) => Kind): Kind | Problem {
  for (const operand of operands) {
    const kind = kindIn(operand, kindOf)
    if (typeof kind !== 'string') return kind
    if (!yesOrNo(kind)) return notYesOrNo(operand, kind)
  }
  return 'bool'
}

type Comparison = Extract<Expression, { left: Expression }>
function comparable({ left, right, at }: Comparison, kindOf: (name: string) => Kind): Kind | Problem {
  const [a, b] = [kindIn(left, kindOf), kindIn(right, kindOf)]
  if (typeof a !== 'string') return a
  if (typeof b !== 'string') return b
  // A value such as $(matrix.node) is text as it was written, and `22` in an expression means what was written, too.
  const literal = (kind: Kind, side: Expression) => kind === 'any' || side.kind === 'value'
  if (a === b || literal(a, left) || literal(b, right)) return 'bool'
  return { problem: `a ${a} is never the same as a ${b}`, at }
}

/**
 * Whether an expression holds. Values are texts, and numbers are compared as they are written: `3.10` is not `3.1`. A value
 * that is not there is the empty text.
 */
export function evaluate(source: string, values: Values): { readonly holds: boolean } | Problem {
  const expression = parseExpression(source)
  if ('problem' in expression) return expression
  const problem = kindProblem(expression, () => 'any')
  return problem ?? holds(expression, values)
}

type Held = { readonly holds: boolean } | Problem

function holds(expression: Expression, values: Values): Held {
  switch (expression.kind) {
    case 'bool':
      return { holds: expression.value }
    case 'not': {
      const of = holds(expression.of, values)
      return 'problem' in of ? of : { holds: !of.holds }
    }
    case 'and':
    case 'or': {
      const left = holds(expression.left, values)
      if ('problem' in left || left.holds === (expression.kind === 'or')) return left
      return holds(expression.right, values)
    }
    case 'equal':
    case 'unequal':
      return ofTwo(
        { first: expression.left, second: expression.right },
        values,
        (a, b) => (a === b) === (expression.kind === 'equal'),
      )
    case 'call':
      return ofTwo(expression, values, (a, b) => answer(expression.call, a, b))
    case 'value':
    case 'text':
    case 'number':
      return asYesOrNo(plainText(expression, values), expression.at)
  }
}

function asYesOrNo(text: string, at: number): Held {
  if (text === 'true' || text === 'false') return { holds: text === 'true' }
  return { problem: `\`${text.slice(0, 100)}\` is neither true nor false; compare it with == or !=`, at }
}

type Plain = Extract<Expression, { kind: 'value' | 'text' | 'number' }>
const plainText = (expression: Plain, values: Values): string =>
  expression.kind === 'value' ? (values.get(expression.name) ?? '') : expression.text

function textOf(expression: Expression, values: Values): string | Problem {
  if (expression.kind === 'value' || expression.kind === 'text' || expression.kind === 'number')
    return plainText(expression, values)
  const held = holds(expression, values)
  return 'problem' in held ? held : String(held.holds)
}

type Pair = { readonly first: Expression; readonly second: Expression }
function ofTwo({ first, second }: Pair, values: Values, judge: (a: string, b: string) => boolean): Held {
  const a = textOf(first, values)
  if (typeof a !== 'string') return a
  const b = textOf(second, values)
  return typeof b === 'string' ? { holds: judge(a, b) } : b
}

function answer(call: Call, text: string, other: string): boolean {
  switch (call) {
    case 'contains':
      return text.includes(other)
    case 'startsWith':
      return text.startsWith(other)
    case 'endsWith':
      return text.endsWith(other)
    case 'matches':
      return matchesGlob(text, other)
  }
}
