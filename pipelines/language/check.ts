import { findCycle, needsOf } from '../plan/graph.ts'
import type { Finding } from './diagnostic.ts'
import { suggest } from './explain.ts'
import type { Job, Pipeline } from './pipeline.ts'
import { NAME, type PipelineFile } from './schema.ts'

/** What a shape cannot say: unknown names, circles, values that will not do what the author hopes. */
export function check(pipeline: Pipeline, file: PipelineFile): Finding[] {
  return [
    ...tooManyJobs(pipeline),
    ...pipeline.resources.flatMap(badRepository),
    ...pipeline.jobs.flatMap((job) => [
      ...unknownNames(job, pipeline, file),
      ...interpolationInRun(job),
      ...untaggedImage(job, file),
    ]),
    ...cycle(pipeline),
  ]
}

type Place = Pick<Finding, 'path' | 'at'>
const error = (rule: string, message: string, place: Place, hint = ''): Finding => ({
  severity: 'error',
  rule,
  message,
  hint,
  ...place,
})

const MOST_JOBS = 500
const tooManyJobs = (pipeline: Pipeline) =>
  pipeline.jobs.length > MOST_JOBS
    ? [
        error('bounds', `${pipeline.jobs.length} jobs; at most ${MOST_JOBS} are allowed`, {
          path: ['jobs'],
          at: 'key',
        }),
      ]
    : []

const REPOSITORY = /^(https?:\/\/|ssh:\/\/|git@)[^\s]+$/
function badRepository(resource: Pipeline['resources'][number]): Finding[] {
  if (resource.repository === '.' || REPOSITORY.test(resource.repository)) return []
  const place: Place = { path: ['resources', resource.name, 'git'], at: 'value' }
  const message = `\`${resource.repository}\` is not a repository`
  return [error('value', message, place, 'write `.` for this repository, or an https:// or ssh:// address')]
}

function unknownNames(job: Job, pipeline: Pipeline, file: PipelineFile): Finding[] {
  const resources = pipeline.resources.map((resource) => resource.name)
  const jobs = pipeline.jobs.map((other) => other.name)
  const unknown = (what: string, key: 'get' | 'needs', names: readonly string[], known: readonly string[]) =>
    names
      .filter((name) => NAME.test(name) && !known.includes(name))
      .map((name) => {
        const near = suggest(name, known)
        const hint = near ? `did you mean \`${near}\`?` : `known: ${known.join(', ')}`
        return error(
          'unknown-name',
          `there is no ${what} \`${name}\``,
          placeOf(file, job.name, key, name),
          hint,
        )
      })
  return [
    ...unknown(
      'resource',
      'get',
      job.gets.map((get) => get.resource),
      resources,
    ),
    ...unknown(
      'job',
      'needs',
      job.needs.map((need) => need.job),
      jobs,
    ),
  ]
}

/** Where a name stands in `needs` or `get`, whichever form the author chose: alone, in a list, or as a key. */
function placeOf(file: PipelineFile, job: string, key: 'get' | 'needs', name: string): Place {
  const edges = file.jobs[job]?.[key] ?? []
  const index = edges.findIndex((edge) => ('job' in edge ? edge.job : edge.resource) === name)
  return { path: ['jobs', job, key, index, name], at: 'value' }
}

function interpolationInRun(job: Job): Finding[] {
  return job.commands.flatMap((command, index) => {
    const found = /\$\(\s*(src|matrix|input|inputs|image)\.([a-z0-9_]+)\s*\)/i.exec(command)
    if (!found) return []
    const place: Place = { path: ['jobs', job.name, 'run', index], at: 'value' }
    const variable = `${found[1]}_${found[2]}`.toUpperCase()
    const message = `\`${found[0]}\` is not expanded inside \`run\`: the shell would take it for a command`
    return [error('interpolation-in-run', message, place, `use the environment variable "$${variable}"`)]
  })
}

function untaggedImage(job: Job, file: PipelineFile): Finding[] {
  if (job.image === null || /[:@]/.test(job.image.split('/').at(-1) ?? '')) return []
  const own = file.jobs[job.name]?.image !== undefined
  const place: Place = { path: own ? ['jobs', job.name, 'image'] : ['defaults', 'image'], at: 'value' }
  const message = `the image \`${job.image}\` has no tag; what it is may change from one run to the next`
  return [
    {
      ...error('image-without-tag', message, place, `write a tag, such as \`${job.image}:1.2\``),
      severity: 'warning',
    },
  ]
}

function cycle(pipeline: Pipeline): Finding[] {
  const path = findCycle(needsOf(pipeline))
  if (!path) return []
  const [first = '', second = ''] = path
  const place: Place = { path: ['jobs', first, 'needs', second], at: 'value' }
  return [
    error(
      'cycle',
      `these jobs wait for each other for ever: ${path.join(' → ')}`,
      place,
      'remove one of these `needs`',
    ),
  ]
}
