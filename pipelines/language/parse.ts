import { check } from './check/check.ts'
import { type Diagnostic, type Finding, hasErrors } from './diagnostic.ts'
import { explain } from './explain.ts'
import { normalise } from './normal/normalise.ts'
import { notYet } from './not-yet.ts'
import type { Pipeline } from './pipeline.ts'
import { PipelineFile } from './schema.ts'
import { readSource, type Source } from './source.ts'
import { expand, type Templates } from './templates.ts'

export { BOUNDS } from './source.ts'

export type Parsed = { readonly pipeline: Pipeline | null; readonly diagnostics: readonly Diagnostic[] }

/**
 * Read a pipeline file.
 *
 * @param templates The texts of the templates that it uses, by their reference; without any they stay unexpanded.
 * @returns The pipeline, or null when a diagnostic is an error. Diagnostics are in the order of the file; several
 *   errors are reported at once, but the rules about names and edges only where every shape is right.
 */
export const parsePipeline = (text: string, templates?: Templates): Parsed => read(text, templates, () => [])

/**
 * Read a pipeline file that is to run here and now: what the language knows and this version of Takt does not carry out yet is
 * an error, so that no gate and no filter is ever silently passed over. Where it runs, the templates are given: what they hold is
 * held to the same.
 */
export const parseForRunning = (text: string, templates?: Templates): Parsed => read(text, templates, notYet)

/** Read a pipeline that a program built. Its diagnostics count lines in the JSON that it makes. */
export const parseObject = (pipeline: unknown, templates?: Templates): Parsed =>
  parsePipeline(JSON.stringify(pipeline, null, 2) ?? '', templates)

const MOST_DIAGNOSTICS = 200

function read(
  text: string,
  templates: Templates | undefined,
  further: (tree: unknown) => readonly Finding[],
): Parsed {
  if (text.trim() === '') return { pipeline: null, diagnostics: [EMPTY] }
  const source = readSource(text)
  if ('diagnostics' in source) return { pipeline: null, diagnostics: inOrder(source.diagnostics) }
  const expanded = templates
    ? expand(source.tree, templates)
    : { tree: source.tree, findings: [], locate: here }
  const found =
    expanded.findings.length > 0 ? { pipeline: null, findings: expanded.findings } : judge(expanded.tree)
  const unable = found.pipeline ? further(expanded.tree) : []
  const findings = [...found.findings, ...unable].map(expanded.locate).slice(0, MOST_DIAGNOSTICS)
  return { pipeline: hasErrors(findings) ? null : found.pipeline, diagnostics: located(findings, source) }
}

const here = (finding: Finding): Finding => finding

function judge(tree: unknown): { readonly pipeline: Pipeline | null; readonly findings: readonly Finding[] } {
  const shape = PipelineFile.safeParse(tree)
  if (!shape.success)
    return { pipeline: null, findings: explain(shape.error, { schema: PipelineFile, tree, at: [] }) }
  const normal = normalise(shape.data)
  return { pipeline: normal.pipeline, findings: check({ ...normal, tree }) }
}

const EMPTY: Diagnostic = {
  severity: 'error',
  rule: 'empty',
  message: 'the file is empty',
  hint: 'the smallest pipeline is:\njobs:\n  test:\n    image: node:22\n    run: npm test',
  line: 1,
  column: 1,
}

const located = (findings: readonly Finding[], source: Source) =>
  inOrder(findings.map(({ path, at, ...rest }) => ({ ...rest, ...source.locate({ path, at }) })))

const inOrder = (diagnostics: readonly Diagnostic[]) =>
  diagnostics.toSorted((a, b) => a.line - b.line || a.column - b.column)
