import { error, type Finding, type Path, type Place, valueAt } from '../diagnostic.ts'
import { kindProblem } from '../expression/evaluate.ts'
import { parseExpression, valuesIn } from '../expression/expression.ts'
import { type Piece, piecesOf, variableOf } from '../expression/interpolate.ts'
import { secretOf } from '../expression/secret-values.ts'
import { childOf } from '../schema-walk.ts'
import { type Scope, scopesOf, valueProblem } from './scope.ts'
import type { World } from './world.ts'

const COMMANDS = new Set(['run', 'on_success', 'on_failure', 'on_error', 'on_cancel', 'always'])
const FREE_TEXT = new Set(['message', 'label'])

type Text = { readonly text: string; readonly path: Path }
/** The texts of a tree, each with its path. */
export function textsOf(tree: unknown, path: Path): Text[] {
  if (typeof tree === 'string') return [{ text: tree, path }]
  if (Array.isArray(tree)) return tree.flatMap((item, index) => textsOf(item, [...path, index]))
  if (typeof tree !== 'object' || tree === null) return []
  return Object.entries(tree).flatMap(([key, value]) => textsOf(value, [...path, key]))
}

/** Every `$(…)` of the file: known where it stands, an expression where one is expected, and never in what a shell reads. */
export function values(world: World): Finding[] {
  const { pipeline, tree } = world
  const scopes = scopesOf(pipeline)
  const declared = pipeline.resources.map((resource) => resource.name)
  const jobs = pipeline.jobs.flatMap((job) => {
    const texts = textsOf(childOf(childOf(tree, 'jobs'), job.name), ['jobs', job.name])
    const scope = scopes.get(job.name) ?? NOTHING
    return texts.flatMap((text) => inJob(text, scope, declared))
  })
  const everywhere = anyOf([...scopes.values()])
  const defaults = textsOf(childOf(tree, 'defaults'), ['defaults'])
  const others = ['resources', 'resource_types', 'triggers', 'environments']
  return [
    ...jobs,
    ...defaults.flatMap((text) => interpolated(text, everywhere, declared)),
    ...others.flatMap((key) => textsOf(childOf(tree, key), [key])).flatMap(outsideJobs),
  ]
}

const NOTHING: Scope = new Map()

/** What any of the jobs knows: a default must make sense to one of them at least. */
function anyOf(scopes: readonly Scope[]): Scope {
  const all = new Map<string, { fields: readonly string[] | null; kind: 'any' }>()
  for (const [name, { fields }] of scopes.flatMap((scope) => [...scope])) {
    const known = all.get(name)
    const both =
      known?.fields === null || fields === null ? null : [...new Set([...(known?.fields ?? []), ...fields])]
    all.set(name, { fields: both, kind: 'any' })
  }
  return all
}

function inJob(text: Text, scope: Scope, declared: readonly string[]): Finding[] {
  const key = ownKey(text.path)
  if (key === 'if') return condition(text, scope, declared)
  if (COMMANDS.has(key)) return inCommand(text, scope)
  return FREE_TEXT.has(key) ? [] : interpolated(text, scope, declared)
}

/** Mappings whose keys are the author's: a variable may be called `if`, and an axis `run`. */
const AUTHORS = new Set([
  'env',
  'with',
  'args',
  'set',
  'headers',
  'matrix',
  'exclude',
  'include',
  'inputs',
  'form',
  'source',
])

/** The key of the language that a text stands under; empty where the key is the author's own. */
function ownKey(path: Path): string {
  const words = path.filter((step) => typeof step === 'string')
  return AUTHORS.has(words.at(-2) ?? '') ? '' : (words.at(-1) ?? '')
}

function interpolated({ text, path }: Text, scope: Scope, declared: readonly string[]): Finding[] {
  return piecesOf(text).flatMap((piece) => {
    if (piece.kind === 'text') return []
    if (piece.kind === 'broken') return [notAValue(piece.written, valueAt(...path))]
    const problem = valueProblem(piece.name, scope, declared) ?? openingProblem(piece.name, path)
    return problem ? [error('interpolation', valueAt(...path), ...problem)] : []
  })
}

/** What opens something is told to services and commands, and not to texts that everybody reads. */
function openingProblem(name: string, path: Path): readonly [string, string] | null {
  if (!name.startsWith('callback-url.') || path.slice(2).includes('call')) return null
  return [
    `\`$(${name})\` is a one-time address, which only a \`call\` can tell to others`,
    `commands find it in the environment variable "$${variableOf(name)}"`,
  ]
}

const notAValue = (written: string, place: Place) => {
  const message = `\`${written}\` is no value such as \`$(src.sha)\``
  return error('interpolation', place, message, 'write `$$(` where you mean the two characters themselves')
}

/** Of texts outside of jobs: no version and no input is known there, and a secret only where an image is told it. */
export function outsideJobs({ text, path }: Text): Finding[] {
  const isTold = path[2] === 'source' && (path[0] === 'resources' || path[0] === 'resource_types')
  const isSecret = (piece: Piece) => isTold && piece.kind === 'value' && secretOf(piece.name) !== null
  const found = piecesOf(text).find((piece) => piece.kind !== 'text' && !isSecret(piece))
  if (!found || found.kind === 'text') return []
  const message = `\`${found.written}\` has no value here: versions and inputs are known inside jobs only`
  return [error('interpolation', valueAt(...path), message)]
}

function condition({ text, path }: Text, scope: Scope, declared: readonly string[]): Finding[] {
  const place = valueAt(...path)
  const expression = parseExpression(text)
  const wrong = ({ problem, at }: { problem: string; at: number }) =>
    error('expression', place, `${problem} (character ${at + 1} of \`${text.slice(0, 100)}\`)`)
  if ('problem' in expression) return [wrong(expression)]
  const unknown = valuesIn(expression).flatMap(({ name }) => {
    const problem = valueProblem(name, scope, declared)
    return problem ? [error('interpolation', place, ...problem)] : []
  })
  const problem = kindProblem(expression, (name) => scope.get(name.split('.')[0] ?? '')?.kind ?? 'any')
  return problem ? [...unknown, wrong(problem)] : unknown
}

const MARK = /\$\(\s*([a-z0-9-]+)\.([A-Za-z0-9_.-]+)\s*\)/g
/** Words that nobody calls a command of their own. */
const ALWAYS = new Set(['src', 'matrix', 'input', 'inputs', 'image', 'takt', 'with'])

function inCommand({ text, path }: Text, scope: Scope): Finding[] {
  return [...text.matchAll(MARK)].flatMap(([written, name = '', field = '']) => {
    const known = scope.get(name)
    const meant = ALWAYS.has(name) || (known && (known.fields === null || known.fields.includes(field)))
    if (!meant) return []
    const message = `\`${written}\` is not expanded inside \`${commandKey(path)}\`: the shell would take it for a command`
    const variable = variableOf(`${name === 'inputs' ? 'input' : name}.${field}`)
    return [
      error('interpolation-in-run', valueAt(...path), message, `use the environment variable "$${variable}"`),
    ]
  })
}

const commandKey = (path: Path) => String(path.findLast((step) => typeof step === 'string'))
