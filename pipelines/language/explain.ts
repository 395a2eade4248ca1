import { distance } from 'fastest-levenshtein'
import type { z } from 'zod'
import type { Finding } from './diagnostic.ts'
import { PipelineFile } from './schema.ts'

/** Turn the shape checker's issues into findings a person can act on: unknown keys get a suggestion. */
export function explain(error: z.ZodError): Finding[] {
  return error.issues.flatMap((issue) => explainIssue(issue, []))
}

type Issue = z.core.$ZodIssue
type Path = readonly (string | number)[]

function explainIssue(issue: Issue, parents: Path): Finding[] {
  const path = [...parents, ...issue.path.filter((step) => typeof step !== 'symbol')]
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(path, key))
    case 'invalid_key':
      return issue.issues.map((inner) =>
        error('name', path, `\`${String(path.at(-1))}\`: ${inner.message}`, 'key'),
      )
    case 'invalid_union':
      return bestBranch(issue.errors).flatMap((inner) => explainIssue(inner, path))
    case 'invalid_type':
      return [
        error(
          'type',
          path,
          missing(issue) ? `\`${String(path.at(-1))}\` is missing` : `${here(path)} must be ${wanted(issue)}`,
        ),
      ]
    default:
      return [error('value', path, `${here(path)}: ${issue.message}`)]
  }
}

/** Of a union's branches, the one that got furthest into the value: what the author most likely meant. */
function bestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] {
  const reach = (issues: readonly Issue[]) =>
    Math.max(0, ...issues.map((issue) => issue.path.length + (issue.code === 'invalid_type' ? 0 : 1)))
  return branches.toSorted((a, b) => reach(b) - reach(a))[0] ?? []
}

function unknownKey(path: Path, key: string): Finding {
  const known = keysAt(path)
  const near = suggest(key, known)
  const hint = near ? `did you mean \`${near}\`?` : known.length > 0 ? `known here: ${known.join(', ')}` : ''
  return { ...error('unknown-key', [...path, key], `unknown key \`${key}\``, 'key'), hint }
}

function error(rule: string, path: Path, message: string, at: Finding['at'] = 'value'): Finding {
  return { severity: 'error', rule, message, hint: '', path, at }
}

const here = (path: Path) => (path.length === 0 ? 'the file' : `\`${path.join('.')}\``)
const missing = (issue: Issue) =>
  issue.code === 'invalid_type' && issue.input === undefined && issue.message.includes('undefined')
const WORDS: Record<string, string> = {
  object: 'a mapping',
  record: 'a mapping',
  array: 'a list',
  string: 'a text',
}
const wanted = (issue: Issue) =>
  issue.code === 'invalid_type' ? (WORDS[issue.expected] ?? issue.expected) : 'of another shape'

/** The keys the language knows at a place, read off the schema itself. */
function keysAt(path: Path): string[] {
  let here: unknown = PipelineFile
  for (const step of path) here = below(unwrap(here), step)
  const shape = shapeOf(unwrap(here))
  return shape ? Object.keys(shape) : []
}

type Def = {
  shape?: Record<string, unknown>
  valueType?: unknown
  innerType?: unknown
  in?: unknown
  options?: unknown[]
}
const defOf = (schema: unknown): Def => (schema as { def?: Def } | undefined)?.def ?? {}
const shapeOf = (schema: unknown) => defOf(schema).shape

/** Look through optional, default and transform wrappers, and in a union at the branch that is a mapping. */
function unwrap(schema: unknown): unknown {
  const def = defOf(schema)
  if (def.innerType) return unwrap(def.innerType)
  if (def.in) return unwrap(def.in)
  if (def.options)
    return def.options.map(unwrap).find((option) => shapeOf(option) ?? defOf(option).valueType) ?? schema
  return schema
}

const below = (schema: unknown, step: string | number) => shapeOf(schema)?.[step] ?? defOf(schema).valueType

/** The known word nearest to what was written, or null when nothing is near enough to be a slip of the finger. */
export function suggest(written: string, known: readonly string[]): string | null {
  const scored = known.map((word) => ({ word, far: distance(written.toLowerCase(), word) }))
  const best = scored.toSorted((a, b) => a.far - b.far)[0]
  return best && best.far <= Math.max(best.word.length > 3 ? 2 : 1, Math.floor(best.word.length / 3))
    ? best.word
    : null
}
