import { error, type Finding, keyAt, type Place } from '../diagnostic.ts'
import { variableOf } from '../expression/interpolate.ts'
import type { Job, Pipeline } from '../pipeline.ts'
import { FIELDS } from '../resource.ts'
import { ENV_NAME } from '../shape/scalars.ts'
import { inputsOf, WORDS } from './scope.ts'
import { resourcesKnown, type World } from './world.ts'

/** Names from which variables are made that no shell can export, or the same one twice. */
export const envNames = (world: World): Finding[] => [
  ...world.pipeline.resources.flatMap((resource) =>
    begins('resource', resource.name, variableExample(resource.kind)),
  ),
  ...world.pipeline.jobs.flatMap((job) => [
    ...ofOutputs(job, world.pipeline),
    ...clashes(job, world.pipeline),
  ]),
]

const variableExample = (kind: string) =>
  Object.entries(FIELDS).find(([name]) => name === kind)?.[1][0] ?? 'version'

function begins(what: 'resource' | 'job', name: string, field: string): Finding[] {
  const place = keyAt(what === 'job' ? 'jobs' : 'resources', name)
  if (WORDS.includes(name)) return [ambiguous(place, name, 'a word of the language')]
  const variable = variableOf(`${name}.${field}`)
  if (ENV_NAME.test(variable)) return []
  const message = `the ${what} \`${name}\` would arrive as \`${variable}\`, which a shell cannot export`
  return [error('env-name', place, message, 'begin its name with a letter')]
}

const ambiguous = (place: Place, name: string, other: string) =>
  error(
    'env-name',
    place,
    `\`${name}\` is ${other}, too: $(${name}.…) would mean two things`,
    'give it another name',
  )

/** A job whose outputs are spoken of stands among the names of resources. */
function ofOutputs({ name, outputs: [first] }: Job, { resources }: Pipeline): Finding[] {
  if (first === undefined) return []
  if (resources.some((resource) => resource.name === name))
    return [ambiguous(keyAt('jobs', name), name, 'a resource')]
  return begins('job', name, first)
}

/** Variables that two values would arrive as, in one job. */
function clashes(job: Job, pipeline: Pipeline): Finding[] {
  const known = resourcesKnown({ jobs: [job] }).get(job.name) ?? new Set()
  const resources = pipeline.resources.filter((resource) => known.has(resource.name))
  const values = [
    ...resources.flatMap(({ name, kind }) =>
      Object.entries(FIELDS).flatMap(([each, fields]) =>
        each === kind
          ? fields.map((field) => ({ value: `${name}.${field}`, place: keyAt('jobs', job.name) }))
          : [],
      ),
    ),
    ...Object.keys(job.matrix?.axes ?? {}).map((axis) => ({
      value: `matrix.${axis}`,
      place: keyAt('jobs', job.name, 'matrix', axis),
    })),
    ...[...new Set(inputsOf(job))].map((field) => ({
      value: `input.${field}`,
      place: keyAt('jobs', job.name),
    })),
  ]
  const taken = new Map<string, string>()
  return values.flatMap(({ value, place }) => {
    const variable = variableOf(value)
    const first = taken.get(variable)
    if (first === undefined) taken.set(variable, value)
    if (first === undefined || first === value) return []
    return [
      error(
        'env-name',
        place,
        `$(${first}) and $(${value}) would both arrive as ${variable}`,
        'rename one of them',
      ),
    ]
  })
}
