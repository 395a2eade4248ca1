import { findCycle, needsOf, type NeedsGraph } from '../../plan/graph.ts'
import { type Finding, warning } from '../diagnostic.ts'
import type { Job } from '../pipeline.ts'
import { stepsIn } from '../step.ts'
import { placeOf, resourceOfStep, type World } from './world.ts'

/** Jobs that start themselves by what they put, again with every run; a condition on the way is trusted to end it. */
export function endless(world: World): Finding[] {
  if (findCycle(needsOf(world.pipeline))) return [] // cycles.ts tells of it
  const path = findCycle(startersOf(world))?.toReversed()
  const first = world.pipeline.jobs.find(({ name }) => name === path?.[0])
  if (!path || !first) return []
  const message =
    path.length === 2
      ? `\`${first.name}\` gets what it puts: every run of it starts another, without end`
      : `every run of these jobs starts another, without end: ${path.join(' → ')}`
  return [warning('endless', placeOf(world, first), message, 'write `trigger: false` at one of their `get`')]
}

/** Job by job, those that start it: by turning green, or by putting what it gets. */
function startersOf({ pipeline }: World): NeedsGraph {
  const { jobs, resources, triggers } = pipeline
  const telling = resources.filter(
    ({ kind }) => kind !== 'state' && (kind !== 'git' || triggers.skip.messages.length === 0),
  )
  const putters = (resource: string) => jobs.filter((job) => isPutBy(job, resource)).map(({ name }) => name)
  const producers = new Map(telling.map(({ name }) => [name, putters(name)]))
  const starters = (job: Job) => [
    ...job.needs.filter(({ trigger }) => trigger).map((need) => need.job),
    ...job.gets.filter(({ trigger }) => trigger).flatMap(({ resource }) => producers.get(resource) ?? []),
  ]
  return new Map(jobs.map((job) => [job.name, isConditional(job) ? [] : starters(job)]))
}

const isPutBy = (job: Job, resource: string) =>
  stepsIn(job).some((step) => step.kind === 'put' && resourceOfStep(step) === resource)

const isConditional = ({ if: condition, paths, when }: Job) =>
  condition !== null || paths.length > 0 || (when !== null && when.every((kind) => kind === 'manual'))
