import type { z } from 'zod'
import { error, type Finding, keyAt, type Path, valueAt } from './diagnostic.ts'
import {
  branchesOf,
  childOf,
  chooseBranch,
  keysOf,
  kindsOf,
  requiredKeys,
  schemaAt,
  settle,
} from './schema-walk.ts'
import type { Told } from './shape/scalars.ts'
import { hintFor, suggest } from './suggest.ts'

type Issue = z.core.$ZodIssue
/** What was checked against what, and where it stands in the file. */
export type Shaped = { readonly schema: unknown; readonly tree: unknown; readonly at: Path }

const MOST_ISSUES = 100

/** Turn the shape checker's issues into findings a person can act on: unknown keys get a suggestion. */
export function explain(failure: z.ZodError, shaped: Shaped): Finding[] {
  const found = failure.issues.slice(0, MOST_ISSUES).flatMap((issue) => explainIssue(issue, [], shaped))
  const moved = found.map((finding) => ({ ...finding, path: [...shaped.at, ...finding.path] }))
  return withoutEchoes(moved)
}

function explainIssue(issue: Issue, parents: Path, shaped: Shaped): Finding[] {
  const path = [...parents, ...issue.path.filter((step) => typeof step !== 'symbol')]
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.slice(0, MOST_ISSUES).map((key) => unknownKey(path, key, shaped))
    case 'invalid_key':
      return issue.issues.map((inner) => {
        const rule = toldBy(inner).rule ?? 'name'
        return error(rule, keyAt(...path), `\`${String(path.at(-1))}\`: ${inner.message}`)
      })
    case 'invalid_union':
      return explainUnion(issue.errors, path, shaped)
    case 'invalid_type':
      return [wrongType(path, shaped)]
    case 'invalid_value':
      return [noneOf(issue.values.map(String), path, shaped)]
    default:
      return [custom(issue, path, shaped)]
  }
}

function explainUnion(errors: readonly (readonly Issue[])[], path: Path, shaped: Shaped): Finding[] {
  const value = valueIn(shaped.tree, path)
  const branches = branchesOf(unionAt(path, shaped)) ?? []
  const chosen = chooseBranch(branches, value)
  if (chosen === null) return [wrongType(path, shaped, branches)]
  const branch = branches[chosen]
  const telling = branches.filter((each) => requiredKeys(each).length > 0)
  if (telling.length > 2 && keysOf(branch).length > 0 && !saysWhatItIs(branch, value))
    return [untold(telling, path, value)]
  return (errors[chosen] ?? []).flatMap((inner) => explainIssue(inner, path, shaped))
}

const saysWhatItIs = (branch: unknown, value: unknown) =>
  requiredKeys(branch).some((key) => childOf(value, key) !== undefined)

/** A mapping that lacks the one key by which it would be told apart. */
function untold(branches: readonly unknown[], path: Path, value: unknown): Finding {
  const kinds = [...new Set(branches.flatMap(requiredKeys))]
  for (const key of Object.keys(value ?? {})) {
    const near = suggest(key, kinds)
    if (near)
      return error('unknown-key', keyAt(...path, key), `unknown key \`${key}\``, `did you mean \`${near}\`?`)
  }
  const message = `${here(path)} does not say what it is`
  return error('type', keyAt(...path), message, `one of these keys says it: ${kinds.join(', ')}`)
}

/** The union itself at a path: the last step is not settled into a branch. */
function unionAt(path: Path, { schema, tree }: Shaped): unknown {
  const parent = schemaAt(schema, tree, path.slice(0, -1))
  const last = path.at(-1)
  if (last === undefined) return schema
  const def = (parent as { def?: Record<string, unknown> }).def ?? {}
  const shape = (def['shape'] ?? {}) as Readonly<Record<string, unknown>>
  return Object.hasOwn(shape, last) ? shape[last] : (def['catchall'] ?? def['valueType'] ?? def['element'])
}

function unknownKey(path: Path, key: string, { schema, tree }: Shaped): Finding {
  const known = keysOf(settle(schemaAt(schema, tree, path), valueIn(tree, path)))
  return error(
    'unknown-key',
    keyAt(...path, key),
    `unknown key \`${key}\``,
    hintFor(key, known, 'known here'),
  )
}

function wrongType(path: Path, shaped: Shaped, branches?: readonly unknown[]): Finding {
  const value = valueIn(shaped.tree, path)
  const last = path.at(-1)
  if (value === undefined && last !== undefined)
    return error('type', valueAt(...path), `\`${String(last)}\` is missing`)
  const kinds = (branches ?? [schemaAt(shaped.schema, shaped.tree, path)]).flatMap(kindsOf)
  const wanted = [...new Set(kinds)].filter((kind) => kind !== 'nothing').join(' or ')
  const found = error('type', valueAt(...path), `${here([...shaped.at, ...path])} must be ${wanted}`)
  return { ...found, hint: axisHint(path) }
}

/** Whatever the matrix does not know is an axis, and a slip in one of its own keys looks like one. */
function axisHint(path: Path): string {
  const at = path.indexOf('matrix')
  const axis = at < 0 ? undefined : path[at + 1]
  const near = typeof axis === 'string' ? suggest(axis, MATRIX_KEYS) : null
  return near === null || near === axis ? '' : `did you mean \`${near}\`?`
}
const MATRIX_KEYS = ['exclude', 'include', 'mode', 'max_parallel', 'fail_fast']

function noneOf(words: readonly string[], path: Path, { at, tree }: Shaped): Finding {
  const value = String(valueIn(tree, path))
  const message = `${here([...at, ...path])}: \`${value}\` is none of ${[...new Set(words)].join(', ')}`
  const near = suggest(value, words)
  return error('value', valueAt(...path), message, near === null ? '' : `did you mean \`${near}\`?`)
}

function custom(issue: Issue, path: Path, { at }: Shaped): Finding {
  const { rule = 'value', hint = '', near = [], written = '' } = toldBy(issue)
  const word = suggest(written, near)
  const advice = word === null ? hint : `did you mean \`${word}\`?`
  return error(rule, valueAt(...path), `${here([...at, ...path])}: ${issue.message}`, advice)
}

const toldBy = (issue: Issue): Partial<Told> & { readonly written?: string } =>
  issue.code === 'custom' ? (issue.params ?? {}) : {}

const here = (path: Path) => (path.length === 0 ? 'the file' : `\`${path.join('.')}\``)

const valueIn = (tree: unknown, path: Path): unknown => path.reduce<unknown>(childOf, tree)

/** A key that is missing and stands beside it misspelt is one mistake, not two. */
function withoutEchoes(findings: readonly Finding[]): Finding[] {
  const meant = new Set(
    findings.flatMap(({ rule, hint, path }) => {
      const word = rule === 'unknown-key' ? /^did you mean `(.*)`\?$/.exec(hint)?.[1] : undefined
      return word === undefined ? [] : [JSON.stringify([...path.slice(0, -1), word])]
    }),
  )
  const echoes = ({ rule, message, path }: Finding) =>
    rule === 'step-kind'
      ? [...meant].some((place) => place.startsWith(JSON.stringify(path).slice(0, -1)))
      : message.endsWith(' is missing') && meant.has(JSON.stringify(path))
  return findings.filter((finding) => !echoes(finding))
}
