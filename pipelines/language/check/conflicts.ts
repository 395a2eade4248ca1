import { error, type Finding, keyAt, type Path, type Place, valueAt } from '../diagnostic.ts'
import { childOf } from '../schema-walk.ts'
import { NAME } from '../shape/scalars.ts'
import { type Call, stepsIn } from '../step.ts'
import { below, placeOf, type World } from './world.ts'

/** Keys that do not stand together, and keys of which one must be there. */
export const conflicts = (world: World): Finding[] => [
  ...repositories(world),
  ...world.pipeline.jobs.flatMap((job) => {
    const path = ['jobs', job.name]
    const written = path.reduce<unknown>(childOf, world.tree)
    return [
      ...whatItDoes(written, path),
      ...job.services.flatMap(({ name }) =>
        probes(childOf(childOf(written, 'services'), name), [...path, 'services', name]),
      ),
    ]
  }),
  ...steps(world),
]

const SHORT = ['approve', 'run', 'put'] as const

function whatItDoes(written: unknown, path: Path): Finding[] {
  const has = (key: string) => childOf(written, key) !== undefined
  const short = SHORT.filter(has)
  const clash = (key: string, other: string) =>
    error(
      'conflict',
      keyAt(...path, key),
      `\`${key}\` and \`${other}\` do not stand together`,
      `write it all in \`${other}\``,
    )
  if (has('steps')) return short.map((key) => clash(key, 'steps'))
  if (has('with') && !has('use'))
    return [
      error('conflict', keyAt(...path, 'with'), '`with` tells a template something, and there is no `use`'),
    ]
  if (has('use') || short.length > 0) return []
  return [
    error(
      'type',
      valueAt(...path),
      '`run` is missing',
      'a job has `run`, `put`, `approve`, `steps` or `use`',
    ),
  ]
}

const PROBES = ['tcp', 'http', 'run']
function probes(service: unknown, path: Path): Finding[] {
  const health = childOf(service, 'health')
  const found = PROBES.filter((probe) => childOf(health, probe) !== undefined)
  if (health === undefined || found.length === 1) return []
  const place = keyAt(...path, 'health')
  return [
    error(
      'conflict',
      place,
      `a health check looks in one way, and this one has ${found.join(' and ') || 'none'}`,
      `one of ${PROBES.join(', ')}`,
    ),
  ]
}

const REPOSITORY = /^(https?:\/\/|ssh:\/\/|git@)[^\s]+$/
const repositories = ({ pipeline }: World): Finding[] =>
  pipeline.resources.flatMap((resource) => {
    if (resource.kind !== 'git' || resource.repository === '.' || REPOSITORY.test(resource.repository))
      return []
    const place = valueAt('resources', resource.name, 'git')
    const message = `\`${resource.repository}\` is not a repository`
    return [error('value', place, message, 'write `.` for this repository, or an https:// or ssh:// address')]
  })

const ENDINGS = ['event', 'for', 'until', 'callback']

function steps(world: World): Finding[] {
  return world.pipeline.jobs.flatMap((job) =>
    stepsIn(job).flatMap((step) => {
      const place = placeOf(world, step)
      const written = place.path.reduce<unknown>(childOf, world.tree)
      const around = place.path.slice(0, -1).reduce<unknown>(childOf, world.tree)
      const grouped = ['mode', 'max_parallel', 'fail_fast'].filter(
        (key) => childOf(around, key) !== undefined,
      )
      if (step.kind === 'wait') return waiting(written, place.path)
      const own = step.kind === 'call' ? calling(step, place) : []
      if (
        step.kind === 'trigger' &&
        ![step.job, step.pipeline, step.project ?? 'a'].every((name) => NAME.test(name))
      )
        return [
          error(
            'value',
            below(place, 'job'),
            'a job of another pipeline is named `pipeline/job` or `project/pipeline/job`',
          ),
        ]
      if (step.kind === place.path.at(-1) && step.kind !== 'parallel' && step.kind !== 'for_each')
        return [
          ...own,
          ...grouped.map((key) =>
            error(
              'conflict',
              keyAt(...place.path.slice(0, -1), key),
              `\`${key}\` is for \`parallel\` and \`for_each\``,
            ),
          ),
        ]
      return own
    }),
  )
}

function waiting(written: unknown, path: Path): Finding[] {
  const found = ENDINGS.filter((key) => childOf(written, key) !== undefined)
  if (typeof written === 'string' || found.length === 1) return []
  const message = `a wait ends in one way, and this one has ${found.join(' and ') || 'none'}`
  return [error('conflict', keyAt(...path), message, `one of ${ENDINGS.join(', ')}`)]
}

/** Servers and those between pass over what is sent with such a request; whoever writes it means another method. */
function calling({ method, body, json, outputs }: Call, place: Place): Finding[] {
  const reads = Object.keys(json).length > 0 || Object.keys(outputs).length > 0
  return [
    ...(body !== null && ['GET', 'HEAD'].includes(method)
      ? [
          error(
            'conflict',
            below(place, 'body'),
            `a ${method} has no body`,
            'write `method: POST`, or another one that sends something',
          ),
        ]
      : []),
    ...(method === 'HEAD' && reads
      ? [
          error(
            'conflict',
            below(place, 'method'),
            'a HEAD is answered without a body, and its JSON is looked into',
            'write `method: GET`',
          ),
        ]
      : []),
  ]
}
