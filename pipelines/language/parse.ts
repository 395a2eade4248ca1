import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Node,
  type ParsedNode,
} from 'yaml'
import { check } from './check.ts'
import { type Diagnostic, type Finding, hasErrors } from './diagnostic.ts'
import { explain } from './explain.ts'
import { type Pipeline, pipelineOf } from './pipeline.ts'
import { PipelineFile } from './schema.ts'

export const BOUNDS = { bytes: 500_000, depth: 30, aliases: 50, jobs: 500 } as const

export type Parsed = { readonly pipeline: Pipeline | null; readonly diagnostics: readonly Diagnostic[] }

/**
 * Read a pipeline file.
 *
 * @returns The pipeline, or null when a diagnostic is an error. Diagnostics are in the order of the file; several
 *   errors are reported at once, but the rules about names and edges only where every shape is right.
 */
export function parsePipeline(source: string): Parsed {
  const refusal = refuse(source)
  if (refusal) return { pipeline: null, diagnostics: [refusal] }

  const lines = new LineCounter()
  const document = parseDocument(source, {
    lineCounter: lines,
    version: '1.2',
    schema: 'core',
    uniqueKeys: true,
  })
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return { line, column: col }
  }
  if (document.errors.length > 0) {
    const diagnostics = document.errors.map((error) => ({
      ...finding('yaml', firstLine(error.message)),
      ...place(error.pos[0]),
    }))
    return { pipeline: null, diagnostics: inOrder(diagnostics) }
  }
  const tooMuch = bounded(document)
  if (tooMuch) {
    return {
      pipeline: null,
      diagnostics: [{ ...finding('bounds', tooMuch.message), ...place(tooMuch.offset) }],
    }
  }

  const located = (findings: readonly Finding[]) =>
    inOrder(findings.map(({ path, at, ...rest }) => ({ ...rest, ...place(offsetOf(document, path, at)) })))

  const shape = PipelineFile.safeParse(textTree(document.contents, document))
  if (!shape.success) return { pipeline: null, diagnostics: located(explain(shape.error)) }

  const pipeline = pipelineOf(shape.data)
  const diagnostics = located(check(pipeline, shape.data))
  return { pipeline: hasErrors(diagnostics) ? null : pipeline, diagnostics }
}

function refuse(source: string): Diagnostic | null {
  const at = { line: 1, column: 1 }
  if (source.length > BOUNDS.bytes)
    return {
      ...finding('bounds', `the file has ${source.length} characters; at most ${BOUNDS.bytes} are read`),
      ...at,
    }
  const nul = source.indexOf('\0')
  if (nul >= 0) {
    const before = source.slice(0, nul).split('\n')
    const column = (before.at(-1)?.length ?? 0) + 1
    return {
      ...finding('yaml', 'the file holds a NUL byte; it must be plain text'),
      line: before.length,
      column,
    }
  }
  if (source.trim() === '')
    return {
      ...finding('empty', 'the file is empty'),
      ...at,
      hint: 'the smallest pipeline is:\njobs:\n  test:\n    image: node:22\n    run: npm test',
    }
  return null
}

const finding = (rule: string, message: string) => ({ severity: 'error' as const, rule, message, hint: '' })
const firstLine = (message: string) =>
  (message.split('\n')[0] ?? message).replace(/ at line \d+, column \d+:?$/, '')

/** The bounds that keep a hostile file from costing more than it weighs. */
function bounded(document: Document.Parsed): { message: string; offset: number } | null {
  let aliases = 0
  let problem: { message: string; offset: number } | null = null
  visit(document, (_key, node, path) => {
    if (isPair(node)) return
    const offset = (node as ParsedNode | null)?.range?.[0] ?? 0
    const depth = path.filter((ancestor) => !isPair(ancestor)).length
    if (depth > BOUNDS.depth) problem = { message: `nested deeper than ${BOUNDS.depth} levels`, offset }
    else if (isAlias(node) && ++aliases > BOUNDS.aliases)
      problem = { message: `more than ${BOUNDS.aliases} aliases`, offset }
    else if (isAlias(node) && node.resolve(document) === undefined)
      problem = { message: `nothing is called *${node.source}`, offset }
    if (problem) return visit.BREAK
  })
  return problem
}

/** The document as plain objects whose scalars are their source text. Aliases are followed; bounds were checked before. */
function textTree(node: Node | null | undefined, document: Document, depth = 0): unknown {
  if (depth > BOUNDS.depth) return undefined
  if (isAlias(node)) return textTree(node.resolve(document), document, depth + 1)
  if (isSeq(node)) return node.items.map((item) => textTree(item as Node, document, depth + 1))
  if (isMap(node)) {
    const entries = node.items.map((pair): [string, unknown] => [
      isScalar(pair.key) ? String(pair.key.source ?? pair.key.value) : String(pair.key),
      textTree(pair.value as Node, document, depth + 1),
    ])
    return Object.fromEntries(entries)
  }
  if (!isScalar(node) || node.value === null) return null
  return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value))
}

/** Where in the source the thing at `path` stands; the nearest parent's place when the thing itself is absent. */
function offsetOf(document: Document, path: Finding['path'], at: Finding['at']): number {
  let node: unknown = document.contents
  let offset = startOf(node) ?? 0
  for (const [depth, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document)
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => isScalar(item.key) && String(item.key.source ?? item.key.value) === String(step),
      )
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

const inOrder = (diagnostics: readonly Diagnostic[]) =>
  diagnostics.toSorted((a, b) => a.line - b.line || a.column - b.column)
