import type { z } from 'zod'
import { error, type Finding, keyAt, type Path, valueAt } from './diagnostic.ts'
import {
  branchesOf,
  childOf,
  chooseBranch,
  keysOf,
  kindsOf,
  openSchemaAt,
  requiredKeys,
  settle,
  valueAtPath,
} from './schema-walk.ts'
import type { Told } from './shape/scalars.ts'
import { hintFor, suggest } from './suggest.ts'

type Issue = z.core.$ZodIssue
/** What was checked against what, and where it stands in the file. */
export type Shaped = { readonly schema: unknown; readonly tree: unknown; readonly at: Path }

const MOST_ISSUES = 100

/** Turn the shape checker's issues into findings a person can act on: unknown keys get a suggestion. */
export function explain(failure: z.ZodError, shaped: Shaped): Finding[] {
  return withoutEchoes(failure.issues.slice(0, MOST_ISSUES).flatMap((issue) => explainIssue(issue, shaped)))
}

/** An issue inside `shaped`. Of a union's issues only those of the branch that was meant are told, and `shaped` becomes it. */
function explainIssue(issue: Issue, shaped: Shaped): Finding[] {
  const path = issue.path.filter((step) => typeof step !== 'symbol')
  const here: Shaped = {
    schema: openSchemaAt(shaped.schema, shaped.tree, path),
    tree: valueAtPath(shaped.tree, path),
    at: [...shaped.at, ...path],
  }
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.slice(0, MOST_ISSUES).map((key) => unknownKey(key, here))
    case 'invalid_key':
      return issue.issues.map((inner) => {
        const rule = toldBy(inner).rule ?? 'name'
        return error(rule, keyAt(...here.at), `\`${String(here.at.at(-1))}\`: ${inner.message}`)
      })
    case 'invalid_union':
      return explainUnion(issue.errors, here)
    case 'invalid_type':
      return [wrongType(here)]
    case 'invalid_value':
      return [noneOf(issue.values.map(String), here)]
    default:
      return [custom(issue, here)]
  }
}

function explainUnion(errors: readonly (readonly Issue[])[], here: Shaped): Finding[] {
  const branches = branchesOf(here.schema) ?? []
  const chosen = chooseBranch(branches, here.tree)
  if (chosen === null) return [wrongType(here)]
  const branch = branches[chosen]
  const telling = branches.filter((each) => requiredKeys(each).length > 0)
  if (telling.length > 2 && keysOf(branch).length > 0 && !saysWhatItIs(branch, here.tree))
    return [untold(telling, here)]
  return (errors[chosen] ?? []).flatMap((inner) => explainIssue(inner, { ...here, schema: branch }))
}

const saysWhatItIs = (branch: unknown, value: unknown) =>
  requiredKeys(branch).some((key) => childOf(value, key) !== undefined)

/** A mapping that lacks the one key by which it would be told apart. */
function untold(branches: readonly unknown[], { tree, at }: Shaped): Finding {
  const kinds = [...new Set(branches.flatMap(requiredKeys))]
  for (const key of Object.keys(tree ?? {})) {
    const near = suggest(key, kinds)
    if (near)
      return error('unknown-key', keyAt(...at, key), `unknown key \`${key}\``, `did you mean \`${near}\`?`)
  }
  const message = `${called(at)} does not say what it is`
  return error('type', keyAt(...at), message, `one of these keys says it: ${kinds.join(', ')}`)
}

function unknownKey(key: string, { schema, tree, at }: Shaped): Finding {
  const known = keysOf(settle(schema, tree))
  return error('unknown-key', keyAt(...at, key), `unknown key \`${key}\``, hintFor(key, known, 'known here'))
}

function wrongType({ schema, tree, at }: Shaped): Finding {
  if (tree === undefined && at.length > 0)
    return error('type', valueAt(...at), `\`${String(at.at(-1))}\` is missing`)
  const wanted = kindsOf(schema).filter((kind) => kind !== 'nothing')
  const must = `must be ${wanted.join(' or ')}`
  const message = tree === null ? `${called(at)} is empty; it ${must}` : `${called(at)} ${must}`
  return error('type', valueAt(...at), message, axisHint(at, tree))
}

/** Whatever the matrix does not know is an axis, and a slip in one of its own keys looks like one. */
function axisHint(at: Path, tree: unknown): string {
  const matrix = at.indexOf('matrix')
  const axis = matrix < 0 ? undefined : at[matrix + 1]
  const near = typeof axis === 'string' ? suggest(axis, meantByValue(tree)) : null
  return near === null || near === axis ? '' : `did you mean \`${near}\`?`
}

function meantByValue(value: unknown): string[] {
  if (typeof value !== 'string') return ['exclude', 'include']
  if (value === 'true' || value === 'false') return ['fail_fast']
  return value === 'parallel' || value === 'sequential' ? ['mode'] : ['max_parallel']
}

function noneOf(words: readonly string[], { tree, at }: Shaped): Finding {
  const value = String(tree)
  const message = `${called(at)}: \`${value}\` is none of ${[...new Set(words)].join(', ')}`
  const near = suggest(value, words)
  return error('value', valueAt(...at), message, near === null ? '' : `did you mean \`${near}\`?`)
}

function custom(issue: Issue, { at }: Shaped): Finding {
  const { rule = 'value', hint = '', near = [], written = '' } = toldBy(issue)
  const word = suggest(written, near)
  const advice = word === null ? hint : `did you mean \`${word}\`?`
  return error(rule, valueAt(...at), `${called(at)}: ${sizeWords(issue) ?? issue.message}`, advice)
}

/** A list that is too short or too long; texts say it in words of their own. */
function sizeWords(issue: Issue): string | null {
  if (issue.code === 'too_small' && issue.origin === 'array') return 'the list is empty'
  if (issue.code === 'too_big' && issue.origin === 'array')
    return `the list has more than ${issue.maximum} items`
  return null
}

const toldBy = (issue: Issue): Partial<Told> & { readonly written?: string } =>
  issue.code === 'custom' ? (issue.params ?? {}) : {}

const called = (path: Path) => (path.length === 0 ? 'the file' : `\`${path.join('.')}\``)

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
