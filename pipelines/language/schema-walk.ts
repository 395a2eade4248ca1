/**
 * The schema as something to walk on: which keys stand at a place, and which branch of a union an author meant.
 *
 * A file's value decides: a text, a list and a mapping are never the same branch, and of several mappings the one whose keys
 * fit best is meant.
 */

import type { Path } from './diagnostic.ts'

type Def = {
  readonly type?: string
  readonly shape?: Readonly<Record<string, unknown>>
  readonly catchall?: unknown
  readonly valueType?: unknown
  readonly innerType?: unknown
  readonly element?: unknown
  readonly in?: unknown
  readonly getter?: () => unknown
  readonly options?: readonly unknown[]
}
const defOf = (schema: unknown): Def => (schema as { def?: Def } | undefined)?.def ?? {}

/** Look through what only wraps: optional, lazy, transformed. */
export function unwrap(schema: unknown): unknown {
  const def = defOf(schema)
  const inner = def.innerType ?? def.in ?? (def.type === 'lazy' ? def.getter?.() : undefined)
  return inner === undefined ? schema : unwrap(inner)
}

export const branchesOf = (schema: unknown): readonly unknown[] | null =>
  defOf(unwrap(schema)).options ?? null

/** The schema of the thing at a path of a written tree; a union there stays one. */
export function openSchemaAt(root: unknown, tree: unknown, path: Path): unknown {
  let schema = root
  let value = tree
  for (const step of path) {
    const { shape, catchall, valueType, element } = defOf(settle(schema, value))
    schema = shape && Object.hasOwn(shape, step) ? shape[step] : (catchall ?? valueType ?? element)
    value = childOf(value, step)
  }
  return schema
}

export const valueAtPath = (tree: unknown, path: Path): unknown => path.reduce<unknown>(childOf, tree)

export const childOf = (value: unknown, step: string | number): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, step)
    ? (value as Readonly<Record<string, unknown>>)[step]
    : undefined

/** The schema without wrappers, and where it is a union, the branch that the value belongs to. */
export function settle(schema: unknown, value: unknown): unknown {
  const branches = branchesOf(schema)
  if (!branches) return unwrap(schema)
  const chosen = chooseBranch(branches, value)
  return chosen === null ? unwrap(schema) : settle(branches[chosen], value)
}

export const keysOf = (schema: unknown): readonly string[] => Object.keys(defOf(unwrap(schema)).shape ?? {})

/** The keys without which a mapping is not what it is. */
export const requiredKeys = (schema: unknown): readonly string[] =>
  Object.entries(defOf(unwrap(schema)).shape ?? {})
    .filter(([, inner]) => defOf(inner).type !== 'optional')
    .map(([key]) => key)

type Kind = 'a text' | 'a list' | 'a mapping' | 'nothing'
const KINDS: Readonly<Record<string, Kind>> = {
  object: 'a mapping',
  record: 'a mapping',
  array: 'a list',
  null: 'nothing',
}

/** What a branch takes; a union in a union takes several things. */
export const kindsOf = (schema: unknown): readonly Kind[] => {
  const branches = branchesOf(schema)
  return branches
    ? [...new Set(branches.flatMap(kindsOf))]
    : [KINDS[defOf(unwrap(schema)).type ?? ''] ?? 'a text']
}

const kindOf = (value: unknown): Kind =>
  value === null || value === undefined
    ? 'nothing'
    : Array.isArray(value)
      ? 'a list'
      : typeof value === 'object'
        ? 'a mapping'
        : 'a text'

/** The branch that an author meant by a value, or null where no branch takes such a thing. */
export function chooseBranch(branches: readonly unknown[], value: unknown): number | null {
  const fitting = branches
    .map((_, index) => index)
    .filter((index) => kindsOf(branches[index]).includes(kindOf(value)))
  if (fitting.length < 2 || kindOf(value) !== 'a mapping') return fitting[0] ?? null
  const keys = Object.keys(value ?? {})
  const score = (index: number) => {
    const schema = branches[index]
    const required = requiredKeys(schema).filter((key) => keys.includes(key)).length
    return required * 10 + keysOf(schema).filter((key) => keys.includes(key)).length
  }
  return fitting.toSorted((a, b) => score(b) - score(a))[0] ?? null
}
