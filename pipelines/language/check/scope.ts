import type { Kind } from '../expression/evaluate.ts'
import { lifecycleJobs, type Job, type Pipeline } from '../pipeline.ts'
import { FIELDS, type Resource } from '../resource.ts'
import { suggest } from '../suggest.ts'
import { stepsIn } from '../step.ts'
import { jobsBefore, resourcesKnown } from './world.ts'

/** What `$(name.…)` can mean at a place: the fields of each name, or null where any field may be there. */
export type Scope = ReadonlyMap<string, { readonly fields: readonly string[] | null; readonly kind: Kind }>

const TAKT = ['run', 'project', 'pipeline', 'job', 'lane', 'attempt', 'kind']
const ENV = ['name', 'op', 'workflow', 'state']
/** Names that are the language's own, and never a resource's. */
export const WORDS = ['takt', 'env', 'matrix', 'input', 'each', 'with', 'callback', 'callback-url']

/** The scopes of all jobs. */
export function scopesOf(pipeline: Pipeline): ReadonlyMap<string, Scope> {
  const known = resourcesKnown(pipeline)
  const before = jobsBefore(pipeline)
  const managing = lifecycleJobs(pipeline.environments)
  return new Map(
    pipeline.jobs.map((job) => {
      const resources = pipeline.resources.filter((resource) => known.get(job.name)?.has(resource.name))
      const jobs = pipeline.jobs.filter((each) => each !== job && before.get(job.name)?.has(each.name))
      const managed = managing.has(job.name) || job.environment !== null
      return [job.name, scopeOf(job, { resources, jobs, managed })]
    }),
  )
}

type Around = {
  readonly resources: readonly Resource[]
  readonly jobs: readonly Job[]
  readonly managed: boolean
}

function scopeOf(job: Job, { resources, jobs, managed }: Around): Scope {
  const names = stepsIn(job).flatMap((step) => (step.kind === 'for_each' ? [step.as] : []))
  const axes = job.matrix ? [...Object.keys(job.matrix.axes), ...job.matrix.include.flatMap(Object.keys)] : []
  const callbacks = callbacksOf(job)
  const any = (fields: readonly string[] | null) => ({ fields, kind: 'any' as const })
  return new Map([
    ...jobs.flatMap((each) => (each.outputs.length > 0 ? [[each.name, any(each.outputs)] as const] : [])),
    ...resources.map((resource) => [resource.name, fieldsOf(resource)] as const),
    ['takt', { fields: TAKT, kind: 'text' }],
    ...(managed ? [['env', { fields: ENV, kind: 'text' }] as const] : []),
    ['matrix', any([...new Set(axes)])],
    ['input', any(inputsOf(job))],
    ['each', any(names)],
    ...(callbacks.length > 0
      ? ([
          ['callback', any(null)],
          ['callback-url', { fields: callbacks, kind: 'text' }],
        ] as const)
      : []),
    ...(job.use ? [['with', any(null)] as const] : []),
  ])
}

/** What people fill in, when they start the job and at its gates, and what services answered. */
export const inputsOf = (job: Job): string[] => [
  ...job.inputs.map((field) => field.name),
  ...stepsIn(job).flatMap((step) =>
    step.kind === 'approve'
      ? step.form.map((field) => field.name)
      : step.kind === 'call'
        ? Object.keys(step.outputs)
        : [],
  ),
]

/** The callbacks that a job waits for, by name. */
export const callbacksOf = (job: Pick<Job, 'steps' | 'hooks'>): string[] =>
  stepsIn(job).flatMap((step) =>
    step.kind === 'wait' && step.wait.for === 'callback' ? [step.wait.callback] : [],
  )

function fieldsOf(resource: Resource): { readonly fields: readonly string[] | null; readonly kind: Kind } {
  if (resource.kind === 'params') return { fields: Object.keys(resource.values), kind: 'any' }
  if (resource.kind === 'event' || resource.kind === 'custom') return { fields: null, kind: 'any' }
  // What else there is depends on a file that is not at hand: the other job's inputs, `$(base.image.digest)`.
  if (resource.kind === 'upstream') return { fields: null, kind: 'text' }
  return { fields: FIELDS[resource.kind], kind: 'text' }
}

/** What is wrong with a value's name at a place and what may have been meant; null when it is known. */
export function valueProblem(
  name: string,
  scope: Scope,
  declared: readonly string[],
): readonly [string, string] | null {
  const [first = '', ...rest] = name.split('.')
  const field = rest.join('.')
  const known = scope.get(first)
  if (!known) {
    if (declared.includes(first))
      return [`\`${first}\` is no input of this job`, `add \`get: ${first}\`, or need a job that has it`]
    const near = suggest(first, [...scope.keys()])
    const hint = near
      ? `did you mean \`$(${near}.${field})\`?`
      : `known here: ${[...scope.keys()].join(', ')}`
    return [`there is no value \`$(${name})\``, hint]
  }
  if (known.fields === null || known.fields.includes(field)) return null
  const near = suggest(field, known.fields)
  const all = known.fields.map((each) => `$(${first}.${each})`).join(', ')
  const hint = near ? `did you mean \`$(${first}.${near})\`?` : all === '' ? '' : `known: ${all}`
  return [`\`${first}\` has no \`${field}\``, hint]
}
