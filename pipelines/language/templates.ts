import { z } from 'zod'
import { ownIn } from '../own-in.ts'
import { fieldProblem } from './check/forms.ts'
import { error, type Finding, keyAt, type Path, valueAt } from './diagnostic.ts'
import { explain } from './explain.ts'
import { piecesOf, variableOf } from './expression/interpolate.ts'
import { formOf } from './normal/steps.ts'
import { childOf } from './schema-walk.ts'
import { Form } from './shape/forms.ts'
import { key, mapping, tree as anyTree } from './shape/scalars.ts'
import { use } from './shape/steps.ts'
import { readSource } from './source.ts'
import { hintFor } from './suggest.ts'

/** The texts of templates, or why there is none, by the reference under which a file uses them: `repository//path@commit`. */
export type Templates = ReadonlyMap<string, string | { readonly missing: string }>

/** A template is a job or a list of steps, and says what it wants to be told. */
const TemplateFile = z.strictObject({
  inputs: key(Form, 'What `with` tells it: $(with.name), and WITH_NAME in its commands'),
  job: key(mapping, 'The job that stands in the place of `use`; what a job writes itself goes before it'),
  steps: key(z.array(anyTree).min(1).max(100), 'The steps that stand in the place of `use`'),
})

type Tree = Readonly<Record<string, unknown>>
type Origin = { readonly path: Path; readonly template: string | null; readonly use: Path }
type Work = {
  readonly templates: Templates
  readonly findings: Finding[]
  /** Where the parts of the expanded tree came from, by their path in it. */
  readonly origins: Map<string, Origin>
}

/** A file with its templates put in. */
export type Expanded = {
  readonly tree: unknown
  readonly findings: readonly Finding[]
  /** Tell of a place in the expanded tree as a place in the file: of what a template holds, at its `use`. */
  readonly locate: (finding: Finding) => Finding
}

/** The references to templates in a file's text, each once; none where the file cannot be read. */
export function templatesUsed(text: string): string[] {
  const source = readSource(text)
  if ('diagnostics' in source) return []
  const jobs = Object.values(asTree(childOf(source.tree, 'jobs')))
  const users = jobs.flatMap((job) => {
    const steps = childOf(job, 'steps')
    return [job, ...(Array.isArray(steps) ? steps : [])]
  })
  const written = users.map((user) => childOf(user, 'use'))
  return [
    ...new Set(written.filter((each) => typeof each === 'string' && use.safeParse(each).success)),
  ] as string[]
}

export function expand(tree: unknown, templates: Templates): Expanded {
  const work: Work = { templates, findings: [], origins: new Map() }
  const jobs = childOf(tree, 'jobs')
  if (!isTree(tree) || !isTree(jobs)) return { tree, findings: [], locate: (finding) => finding }
  const grown = Object.fromEntries(
    Object.entries(jobs).map(([name, job]) => [
      name,
      isTree(job) ? expandJob(job, ['jobs', name], work) : job,
    ]),
  )
  return {
    tree: { ...tree, jobs: grown },
    findings: work.findings,
    locate: (finding) => locate(finding, work),
  }
}

const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function expandJob(job: Tree, path: Path, work: Work): Tree {
  const steps = Array.isArray(job['steps'])
    ? { steps: expandSteps(job['steps'], [...path, 'steps'], work) }
    : {}
  const found = templateFor(job, path, work)
  if (!found) return { ...job, ...steps }
  const { use: reference, with: _, ...own } = job
  const body = childOf(found.file, 'job')
  if (!isTree(body)) {
    work.findings.push(error('template', valueAt(...path, 'use'), `\`${String(reference)}\` holds no job`))
    return { ...own, ...steps }
  }
  if ('use' in body) work.findings.push(nested(path))
  const told = asTree(filledIn(body, found.given))
  for (const each of Object.keys(body).filter((each) => !(each in own)))
    work.origins.set(JSON.stringify([...path, each]), {
      path: ['job', each],
      template: String(reference),
      use: path,
    })
  const env = { ...found.variables, ...asTree(told['env']), ...asTree(own['env']) }
  return { ...told, ...own, ...steps, ...(Object.keys(env).length > 0 ? { env } : {}) }
}

const asTree = (value: unknown): Tree => (isTree(value) ? value : {})
const nested = (path: Path) =>
  error('template', valueAt(...path, 'use'), 'a template does not use another template')

function expandSteps(steps: readonly unknown[], path: Path, work: Work): unknown[] {
  const grown: unknown[] = []
  for (const [index, step] of steps.entries()) {
    const from = [...path, index]
    const found = isTree(step) ? templateFor(step, from, work) : null
    const inner = found ? childOf(found.file, 'steps') : null
    if (!found || !Array.isArray(inner)) {
      if (found)
        work.findings.push(error('template', valueAt(...from, 'use'), 'this template holds no steps'))
      work.origins.set(JSON.stringify([...path, grown.length]), { path: from, template: null, use: from })
      grown.push(step)
      continue
    }
    for (const [place, each] of inner.entries()) {
      if (isTree(each) && 'use' in each) work.findings.push(nested(from))
      const origin = { path: ['steps', place], template: String(childOf(step, 'use')), use: from }
      work.origins.set(JSON.stringify([...path, grown.length]), origin)
      const told = filledIn(each, found.given)
      const env = { ...found.variables, ...asTree(childOf(told, 'env')), ...asTree(childOf(step, 'env')) }
      grown.push(isTree(told) ? { ...told, env } : told)
    }
  }
  return grown
}

type Found = { readonly file: unknown; readonly given: ReadonlyMap<string, string>; readonly variables: Tree }

/** The template that a job or step uses, and what it is told; null where there is none or something is wrong with it. */
function templateFor(user: Tree, path: Path, { templates, findings }: Work): Found | null {
  const reference = user['use']
  if (typeof reference !== 'string' || !use.safeParse(reference).success) return null
  const place = valueAt(...path, 'use')
  const text = templates.get(reference)
  const refuse = (message: string, hint = '') => void findings.push(error('template', place, message, hint))
  if (typeof text !== 'string') {
    const why = text ? `: ${text.missing}` : ''
    return (refuse(`the template \`${reference}\` is not there${why}`), null)
  }
  const source = readSource(text)
  if ('diagnostics' in source) {
    for (const { line, column, message } of source.diagnostics)
      refuse(`${reference}:${line}:${column}: ${message}`)
    return null
  }
  const shape = TemplateFile.safeParse(source.tree)
  if (!shape.success) {
    for (const found of explain(shape.error, { schema: TemplateFile, tree: source.tree, at: [] })) {
      const { line, column } = source.locate(found)
      refuse(`${reference}:${line}:${column}: ${found.message}`, found.hint)
    }
    return null
  }
  const given = givenTo(shape.data.inputs ?? {}, asTree(user['with']), { path, findings })
  const variables = Object.fromEntries([...given].map(([name, value]) => [variableOf(name), value]))
  return { file: source.tree, given, variables }
}

/** What the template is told, by the names of its values; defaults fill in what is left out. */
function givenTo(
  form: Form,
  told: Tree,
  { path, findings }: { path: Path; findings: Finding[] },
): ReadonlyMap<string, string> {
  const fields = formOf(form)
  const names = fields.map((field) => field.name)
  for (const name of Object.keys(told).filter((each) => !names.includes(each)))
    findings.push(
      error(
        'template',
        keyAt(...path, 'with', name),
        `the template asks for no \`${name}\``,
        hintFor(name, names),
      ),
    )
  return new Map(
    fields.map((field) => {
      const value = ownIn(told, field.name) ?? field.default
      const text = typeof value === 'string' ? value : ''
      if (value === null && field.required)
        findings.push(
          error(
            'template',
            valueAt(...path, 'use'),
            `the template asks for \`${field.name}\``,
            'tell it under `with`',
          ),
        )
      const problem = typeof value === 'string' && !value.includes('$(') ? fieldProblem(field, text) : null
      if (problem)
        findings.push(
          error('template', valueAt(...path, 'with', field.name), `\`${field.name}\`: ${problem}`),
        )
      return [`with.${field.name}`, text]
    }),
  )
}

const COMMANDS = new Set(['run', 'on_success', 'on_failure', 'on_error', 'on_cancel', 'always'])

/** A template's tree with `$(with.…)` put in, except where a shell reads it: there it arrives as WITH_…. */
function filledIn(tree: unknown, given: ReadonlyMap<string, string>): unknown {
  if (typeof tree === 'string')
    return piecesOf(tree)
      .map((piece) => pieceText(piece, given))
      .join('')
  if (Array.isArray(tree)) return tree.map((item) => filledIn(item, given))
  if (!isTree(tree)) return tree
  return Object.fromEntries(
    Object.entries(tree).map(([each, value]) => {
      const commands = COMMANDS.has(each) && !isTree(value)
      return [each, commands ? value : filledIn(value, given)]
    }),
  )
}

function pieceText(piece: ReturnType<typeof piecesOf>[number], given: ReadonlyMap<string, string>): string {
  if (piece.kind === 'text') return piece.text.replaceAll('$(', '$$$$(')
  return piece.kind === 'value' ? (given.get(piece.name) ?? piece.written) : piece.written
}

function locate(finding: Finding, { origins, templates }: Work): Finding {
  for (let length = finding.path.length; length > 0; length--) {
    const origin = origins.get(JSON.stringify(finding.path.slice(0, length)))
    if (!origin) continue
    const path = [...origin.path, ...finding.path.slice(length)]
    if (origin.template === null) return { ...finding, path }
    const text = templates.get(origin.template)
    const source = readSource(typeof text === 'string' ? text : '')
    const at = 'diagnostics' in source ? { line: 1, column: 1 } : source.locate({ path, at: finding.at })
    const message = `${origin.template}:${at.line}:${at.column}: ${finding.message}`
    return { ...finding, message, path: [...origin.use, 'use'], at: 'value' }
  }
  return finding
}
