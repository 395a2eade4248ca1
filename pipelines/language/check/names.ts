import { type Finding, keyAt, valueAt } from '../diagnostic.ts'
import type { Job, Pipeline } from '../pipeline.ts'
import { childOf } from '../schema-walk.ts'
import { stepsIn } from '../step.ts'
import { placeOf, resourceOfStep, unknownNames, type Named, type World } from './world.ts'

/** Names that nothing in the file defines. */
export function names(world: World): Finding[] {
  const { pipeline } = world
  const jobs = pipeline.jobs.map((job) => job.name)
  return [
    ...customTypes(pipeline),
    ...pipeline.jobs.flatMap((job) => [
      ...unknownNames(
        'resource',
        resourcesNamed(job, world),
        pipeline.resources.map((each) => each.name),
      ),
      ...unknownNames(
        'job',
        job.needs.map((need) => ({ name: need.job, place: placeOf(world, need) })),
        jobs,
      ),
      ...servicesNamed(job, world),
      ...environmentNamed(job, pipeline),
    ]),
    ...unknownNames('job', lifecycleNames(world), jobs),
    ...unknownNames(
      'resource',
      modifiers(world),
      pipeline.resources.map((each) => each.name),
    ),
    ...unknownNames('job', noticeNames(world), jobs),
  ]
}

const customTypes = ({ resources, resourceTypes }: Pipeline) =>
  unknownNames(
    'resource type',
    resources.flatMap((resource) =>
      resource.kind === 'custom'
        ? { name: resource.type, place: valueAt('resources', resource.name, 'type') }
        : [],
    ),
    resourceTypes.map((type) => type.name),
  )

const resourcesNamed = (job: Job, world: World): Named[] => [
  ...job.gets
    .filter((get) => world.places.has(get))
    .map((get) => ({ name: get.resource, place: placeOf(world, get) })),
  ...stepsIn(job).flatMap((step) => {
    const name = resourceOfStep(step)
    return name === null ? [] : { name, place: placeOf(world, step) }
  }),
]

const servicesNamed = (job: Job, world: World) =>
  job.services.flatMap((container) =>
    unknownNames(
      'service',
      container.dependsOn.map((name, index) => ({
        name,
        place: valueAt(...placeOf(world, container).path, 'depends_on', index),
      })),
      job.services.map((each) => each.name),
    ),
  )

/** Without the block the environments are those of the project; with it they are those of the file. */
const environmentNamed = (job: Job, { environments }: Pipeline) =>
  job.environment === null || environments.length === 0
    ? []
    : unknownNames(
        'environment',
        [{ name: job.environment, place: valueAt('jobs', job.name, 'environment') }],
        environments.map((each) => each.name),
      )

function lifecycleNames({ pipeline, tree }: World): Named[] {
  return pipeline.environments.flatMap((environment) => {
    const path = ['environments', environment.name, 'lifecycle']
    const lifecycle = path.reduce<unknown>(childOf, tree)
    const plain = (['create', 'validate', 'reconcile', 'terminate'] as const).flatMap((key) => {
      const operation = environment[key]
      if (!operation) return []
      const long = typeof childOf(lifecycle, key) === 'object'
      return { name: operation.job, place: valueAt(...path, key, ...(long ? ['job'] : [])) }
    })
    const modify = environment.modify.map(({ name, job }) => {
      const long = typeof childOf(childOf(lifecycle, 'modify'), name) === 'object'
      return { name: job, place: valueAt(...path, 'modify', name, ...(long ? ['job'] : [])) }
    })
    return [...plain, ...modify]
  })
}

const modifiers = ({ pipeline }: World): Named[] =>
  pipeline.environments.flatMap(({ name, modify }) =>
    modify.flatMap((operation) =>
      operation.on.map((resource, index) => ({
        name: resource,
        place: valueAt('environments', name, 'lifecycle', 'modify', operation.name, 'on', index),
      })),
    ),
  )

const noticeNames = (world: World): Named[] =>
  world.pipeline.notify.flatMap((notice) =>
    notice.jobs.map((name, index) => ({ name, place: keyAt(...placeOf(world, notice).path, 'jobs', index) })),
  )
