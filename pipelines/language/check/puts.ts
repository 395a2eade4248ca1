import { error, type Finding, keyAt, type Place } from '../diagnostic.ts'
import { explain } from '../explain.ts'
import type { Pipeline } from '../pipeline.ts'
import type { Resource } from '../resource.ts'
import { PUTS } from '../shape/resources.ts'
import { type Step, stepsIn } from '../step.ts'
import { below, placeOf, type World } from './world.ts'

type Put = Extract<Step, { kind: 'put' }>

/** Whether what is put can be put, by whom, and as the resource takes it; and whether what is got is ever there. */
export function puts(world: World): Finding[] {
  const { pipeline } = world
  const byName = new Map(pipeline.resources.map((resource) => [resource.name, resource]))
  const steps = pipeline.jobs.flatMap((job) => stepsIn(job)).filter((step) => step.kind === 'put')
  return [
    ...steps.flatMap((step) => {
      const resource = byName.get(step.resource)
      return resource ? putOf(step, resource, placeOf(world, step)) : []
    }),
    ...getParams(world, byName),
    ...neverProduced(world, new Set(steps.map((step) => step.resource))),
  ]
}

function putOf(step: Put, resource: Resource, place: Place): Finding[] {
  const schema = PUTS[resource.kind]
  const what = `\`${resource.name}\``
  if (!schema) {
    const message = `${what} cannot be put: a ${resource.kind} resource only tells what happened`
    return [error('cannot-put', place, message, `kinds that can: ${Object.keys(PUTS).join(', ')}`)]
  }
  const elsewhere =
    (resource.kind === 'registry' && !isLoopback(resource.repository)) ||
    (resource.kind === 'git' && resource.repository !== '.')
      ? resource
      : null
  const hint = `add \`login: NAME_OF_A_SECRET\` to the resource ${what}`
  const locked =
    elsewhere && elsewhere.login === null
      ? [error('put-without-credentials', place, `${what} is put, and nothing opens it`, hint)]
      : []
  const shape = schema.safeParse(step.params)
  const params = shape.success ? [] : explain(shape.error, { schema, tree: step.params, at: place.path })
  return [...locked, ...params, ...registryPut(step, resource, place)]
}

/** A registry on the runner's own machine is there for everybody on it. */
const isLoopback = (repository: string): boolean =>
  /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?\//.test(repository)

/** An image is built here or was built by the commands: one of the two must be said. */
function registryPut(step: Put, resource: Resource, place: Place): Finding[] {
  if (resource.kind !== 'registry' || 'build' in step.params !== 'image' in step.params) return []
  const both = 'build' in step.params
  const message = both
    ? 'an image is built here or was built before, not both'
    : `it is not said which image becomes \`${resource.name}\``
  const hint = 'write `build: .` to build one, or `image: name` for one that the commands built'
  return [error(both ? 'conflict' : 'value', both ? below(place, 'image') : place, message, both ? '' : hint)]
}

/** Only an image of a custom type can be told anything when it fetches. */
function getParams({ pipeline, places }: World, byName: ReadonlyMap<string, Resource>): Finding[] {
  const gets = pipeline.jobs.flatMap((job) => [
    ...job.gets,
    ...stepsIn(job).filter((step) => step.kind === 'get'),
  ])
  return gets.flatMap((get) => {
    const kind = byName.get(get.resource)?.kind
    if (Object.keys(get.params).length === 0 || kind === undefined || kind === 'custom') return []
    const message = `\`${get.resource}\` takes no \`params\`: it is a ${kind} resource, and no image fetches it`
    return [error('value', places.get(get) ?? keyAt(), message, 'take `params` away')]
  })
}

function neverProduced({ pipeline, places }: World, put: ReadonlySet<string>): Finding[] {
  const waiting = pipeline.resources.filter((each) => each.kind === 'files' && !put.has(each.name))
  return waiting.flatMap(({ name }) => {
    const got = readers(pipeline, name).find((reader) => places.has(reader))
    const message = `\`${name}\` is got here, and no job puts it: it never has a version`
    const hint = `add \`put: ${name}\` to the job that makes it`
    return got ? [error('never-produced', places.get(got) ?? keyAt(), message, hint)] : []
  })
}

const readers = ({ jobs }: Pipeline, resource: string): object[] =>
  jobs.flatMap((job) => [
    ...job.gets.filter((get) => get.resource === resource),
    ...stepsIn(job).filter((step) => step.kind === 'get' && step.resource === resource),
  ])
