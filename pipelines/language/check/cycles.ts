import { findCycle, needsOf } from '../../plan/graph.ts'
import { error, type Finding, valueAt } from '../diagnostic.ts'
import { placeOf, type World } from './world.ts'

/** Jobs and services that wait for themselves, as the path that closes. */
export const cycles = (world: World): Finding[] => [...jobCycle(world), ...serviceCycles(world)]

function jobCycle(world: World): Finding[] {
  const path = findCycle(needsOf(world.pipeline))
  if (!path) return []
  const [first = '', second = ''] = path
  const need = world.pipeline.jobs
    .find((job) => job.name === first)
    ?.needs.find((candidate) => candidate.job === second)
  const message = `these jobs wait for each other for ever: ${path.join(' → ')}`
  return need ? [error('cycle', placeOf(world, need), message, 'remove one of these `needs`')] : []
}

const serviceCycles = ({ pipeline }: World): Finding[] =>
  pipeline.jobs.flatMap((job) => {
    const path = findCycle(new Map(job.services.map((each) => [each.name, each.dependsOn])))
    if (!path) return []
    const place = valueAt('jobs', job.name, 'services', path[0] ?? '', 'depends_on')
    const message = `these services wait for each other for ever: ${path.join(' → ')}`
    return [error('cycle', place, message, 'remove one of these `depends_on`')]
  })
