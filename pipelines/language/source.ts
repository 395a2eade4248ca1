import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Node,
  parseDocument,
  type ParsedNode,
  visit,
  Lexer,
} from 'yaml'
import type { Diagnostic, Path, Place } from './diagnostic.ts'
import { linePlaces } from './line-places.ts'
import type { Rule } from './rules.ts'
import { typedPlaces } from './typed-places.ts'

/** The bounds that keep a hostile file from costing more than it weighs. */
export const BOUNDS = { bytes: 500_000, depth: 30, aliases: 50, jobs: 500, nodes: 200_000 } as const

/**
 * A pipeline file that could be read: its values as texts, lists and mappings, and where each of them stands. What images of a custom
 * type are told keeps its numbers, truths and nulls: such an image reads JSON.
 */
export type Source = {
  readonly tree: unknown
  readonly locate: (place: Place) => { readonly line: number; readonly column: number }
}
type Refusal = { readonly rule: Rule; readonly message: string; readonly offset: number }

/** Read YAML 1.2 with positions. Scalars keep their source text. @returns Diagnostics instead when it is not even that. */
export function readSource(text: string): Source | { readonly diagnostics: readonly Diagnostic[] } {
  const place = linePlaces(text)
  const refused = (refusals: readonly Refusal[]) => ({
    diagnostics: refusals.map(({ offset, ...told }) => ({
      ...told,
      severity: 'error' as const,
      hint: '',
      ...place(offset),
    })),
  })
  if (text.length > BOUNDS.bytes)
    return refused([bounds(`the file has ${text.length} characters; at most ${BOUNDS.bytes} are read`, 0)])
  if (text.includes('\0')) return refused([nulByte(text)])
  const deep = tooDeep(text)
  if (deep !== null) return refused([bounds(TOO_DEEP, deep)])
  try {
    const document = parseDocument(text, {
      version: '1.2',
      schema: 'core',
      uniqueKeys: false,
    })
    const wrong = [...document.errors, ...document.warnings]
    if (wrong.length > 0) return refused(wrong.slice(0, 20).map(yamlError))
    const tooMuch = bounded(document)
    if (tooMuch) return refused([tooMuch])
    const tree = textTree(document)
    if (tree === OVERGROWN) return refused([bounds(`aliases make more than ${BOUNDS.nodes} values of it`, 0)])
    return { tree, locate: (at) => place(offsetOf(document, at)) }
  } catch (error) {
    // The composer descends as deep as the file is nested: dashes by the thousand exhaust the stack before they can be counted.
    if (error instanceof RangeError) return refused([bounds(TOO_DEEP, 0)])
    throw error
  }
}

const TOO_DEEP = `nested deeper than ${BOUNDS.depth} levels`
const bounds = (message: string, offset: number): Refusal => ({ rule: 'bounds', message, offset })
const yamlError = (error: { message: string; pos: readonly [number, number] }): Refusal => {
  const [line = error.message] = error.message.split('\n')
  const message = /multiple documents/.test(line)
    ? 'a pipeline file is one document; another one begins here'
    : line.replace(/ at line \d+, column \d+:?$/, '')
  return { rule: 'yaml', message, offset: error.pos[0] }
}

const PROTO = 'nothing can be called `__proto__`: programs take it for something else; choose another name'

const nulByte = (text: string): Refusal => ({
  rule: 'yaml',
  message: 'the file holds a NUL byte; it must be plain text',
  offset: text.indexOf('\0'),
})

const SCALAR = '\u001f'
const MARKS = ['\u0002', '\u0018', SCALAR]
/** Where brackets are nested beyond the bound. Cutting a file into tokens is cheap; composing one that deep is not. */
function tooDeep(text: string): number | null {
  let offset = 0
  let depth = 0
  let inScalar = false
  for (const token of new Lexer().lex(text)) {
    if (!inScalar && (token === '[' || token === '{') && ++depth > BOUNDS.depth) return offset
    if (!inScalar && (token === ']' || token === '}')) depth = Math.max(0, depth - 1)
    inScalar = token === SCALAR
    if (!MARKS.includes(token)) offset += token.length
  }
  return null
}

function bounded(document: Document.Parsed): Refusal | null {
  let aliases = 0
  let problem: Refusal | null = null
  visit(document, (_key, node, path) => {
    if (isPair(node)) return
    const offset = startOf(node) ?? 0
    const depth = path.filter((ancestor) => !isPair(ancestor)).length
    if (depth > BOUNDS.depth) problem = bounds(TOO_DEEP, offset)
    else if (isAlias(node) && ++aliases > BOUNDS.aliases)
      problem = bounds(`more than ${BOUNDS.aliases} aliases`, offset)
    else if (isAlias(node) && node.resolve(document) === undefined)
      problem = { rule: 'yaml', message: `nothing is called *${node.source}`, offset }
    else if (isMap(node)) problem = badKey(node)
    else if (isScalar(node)) problem = unstorable(node.value, offset)
    if (problem) return visit.BREAK
  })
  return problem
}

/** What an escape can spell and neither an environment variable nor a database can hold. */
function unstorable(value: unknown, offset: number): Refusal | null {
  if (typeof value !== 'string' || (value.isWellFormed() && !value.includes('\0'))) return null
  return { rule: 'yaml', message: 'this text holds a NUL character or half of a surrogate pair', offset }
}

/**
 * The YAML library compares each key with each other one, which takes minutes for a hostile file. And `__proto__` is no key of a
 * JavaScript object like another: what stands under it would be passed over in silence.
 */
function badKey(map: { readonly items: readonly { readonly key: unknown }[] }): Refusal | null {
  const seen = new Set<string>()
  for (const { key } of map.items) {
    const name = keyText(key)
    if (name === '__proto__') return { rule: 'name', message: PROTO, offset: startOf(key) ?? 0 }
    if (seen.has(name))
      return { rule: 'yaml', message: `the key \`${name}\` stands here twice`, offset: startOf(key) ?? 0 }
    seen.add(name)
  }
  return null
}

const keyText = (key: unknown) => (isScalar(key) ? String(key.source ?? key.value) : String(key))

const OVERGROWN = Symbol('overgrown')
/** The document as plain objects whose scalars are their source text; aliases are followed as far as the bounds allow. */
function textTree(document: Document): unknown {
  let nodes = 0
  const isTyped = typedPlaces(customNames(document))
  const grow = (node: Node | null | undefined, path: Path): unknown => {
    if (path.length > BOUNDS.depth || ++nodes > BOUNDS.nodes) return undefined
    if (isAlias(node)) return grow(node.resolve(document), path)
    if (isSeq(node)) return node.items.map((item, index) => grow(item as Node, [...path, index]))
    if (isMap(node))
      return Object.fromEntries(
        node.items.map((pair) => {
          const key = keyText(pair.key)
          return [key, grow(pair.value as Node, [...path, key])] as const
        }),
      )
    if (!isScalar(node) || node.value === null) return null
    if (isExact(node.value) && isTyped(path)) return node.value
    return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value))
  }
  const tree = grow(document.contents, [])
  return nodes > BOUNDS.nodes ? OVERGROWN : tree
}

/** A number that JSON would change stays the text that it was. */
const isExact = (value: unknown): boolean =>
  typeof value === 'boolean' ||
  (typeof value === 'number' &&
    Number.isFinite(value) &&
    (!Number.isInteger(value) || Number.isSafeInteger(value)))

/** The resources of the file whose type is an image's. */
function customNames(document: Document): ReadonlySet<string> {
  const resources = document.get('resources')
  if (!isMap(resources)) return new Set()
  return new Set(
    resources.items.flatMap(({ key, value }) => (isMap(value) && value.has('type') ? [keyText(key)] : [])),
  )
}

/** Where in the source a place is; the nearest parent's offset when the thing itself is absent. */
function offsetOf(document: Document, { path, at }: Place): number {
  let node: unknown = document.contents
  let offset = startOf(node) ?? 0
  for (const [depth, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document)
    if (isMap(node)) {
      const pair = node.items.find((item) => keyText(item.key) === String(step))
      if (!pair) return offset
      const last = depth === path.length - 1
      offset =
        (last && at === 'key' ? startOf(pair.key) : (startOf(pair.value) ?? startOf(pair.key))) ?? offset
      node = pair.value
    } else if (isSeq(node)) {
      node = node.items[Number(step)]
      offset = startOf(node) ?? offset
    } else return offset
  }
  return offset
}

const startOf = (node: unknown): number | undefined => (node as ParsedNode | null | undefined)?.range?.[0]
