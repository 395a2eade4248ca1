import { producersOf, startersOf } from '../../plan/edges.ts'
import { findCycle, needsOf, type NeedsGraph } from '../../plan/graph.ts'
import { type Finding, warning } from '../diagnostic.ts'
import type { Job } from '../pipeline.ts'
import { placeOf, type World } from './world.ts'

/** Jobs that start themselves by what they put, again with every run; a condition on the way is trusted to end it. */
export function endless(world: World): Finding[] {
  if (findCycle(needsOf(world.pipeline))) return [] // cycles.ts tells of it
  const path = findCycle(startsOf(world))?.toReversed()
  const first = world.pipeline.jobs.find(({ name }) => name === path?.[0])
  if (!path || !first) return []
  const message =
    path.length === 2
      ? `\`${first.name}\` gets what it puts: every run of it starts another, without end`
      : `every run of these jobs starts another, without end: ${path.join(' → ')}`
  return [warning('endless', placeOf(world, first), message, 'write `trigger: false` at one of their `get`')]
}

/** Job by job, those that start it: by turning green, or by putting what it gets. */
function startsOf({ pipeline }: World): NeedsGraph {
  const { jobs, resources, triggers } = pipeline
  const telling = new Set(
    resources
      .filter(({ kind }) => kind !== 'state' && (kind !== 'git' || triggers.skip.messages.length === 0))
      .map(({ name }) => name),
  )
  const producers = new Map([...producersOf(pipeline)].filter(([resource]) => telling.has(resource)))
  return new Map(jobs.map((job) => [job.name, isConditional(job) ? [] : startersOf(job, producers)]))
}

const isConditional = ({ if: condition, paths, when }: Job) =>
  condition !== null || paths.length > 0 || (when !== null && when.every((kind) => kind === 'manual'))
