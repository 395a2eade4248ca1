import type { Values } from '../language/expression/interpolate.ts'
import type { Tree } from '../language/shape/scalars.ts'
import { type Impossible, putIn } from './put-in.ts'

/** A part of a plan, or the end of it: what cannot be is not gone on with. */
export type Ask = <T>(part: T | Impossible) => Exclude<T, Impossible>

class NoPlan extends Error {
  readonly impossible: string
  constructor(impossible: string) {
    super(impossible)
    this.impossible = impossible
  }
}

/** What `make` makes, or the first of its parts that cannot be, in words. */
export function askedFor<T>(make: (ask: Ask) => T): T | Impossible {
  const ask: Ask = (part) => {
    if (isImpossible(part)) throw new NoPlan(part.impossible)
    return part as Exclude<typeof part, Impossible>
  }
  try {
    return make(ask)
  } catch (error) {
    if (error instanceof NoPlan) return { impossible: error.impossible }
    throw error
  }
}

const isImpossible = (part: unknown): part is Impossible =>
  typeof part === 'object' && part !== null && 'impossible' in part

export type At = { readonly values: Values; readonly where: string }

/** Several texts with their values put in. */
export const textsIn = (ask: Ask, texts: readonly string[], { values, where }: At): string[] =>
  texts.map((text) => ask(putIn(text, values, where)))

/** The texts under several names with their values put in. */
export const entriesIn = (
  ask: Ask,
  entries: Readonly<Record<string, string>>,
  { values, where }: At,
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(entries).map(([name, text]) => [name, ask(putIn(text, values, `${where}.${name}`))]),
  )

/** A tree of an author's with the values put into each of its texts, keys left as they are. */
export function treeIn(ask: Ask, tree: Tree, { values, where }: At): Tree {
  if (typeof tree === 'string') return ask(putIn(tree, values, where))
  if (tree === null || typeof tree !== 'object') return tree
  if (isList(tree)) return tree.map((child) => treeIn(ask, child, { values, where }))
  return Object.fromEntries(
    Object.entries(tree).map(([key, child]) => [
      key,
      treeIn(ask, child, { values, where: `${where}.${key}` }),
    ]),
  )
}

const isList = (tree: Tree): tree is readonly Tree[] => Array.isArray(tree)
