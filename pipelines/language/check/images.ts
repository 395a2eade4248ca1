import { type Finding, type Path, valueAt, warning } from '../diagnostic.ts'
import { childOf } from '../schema-walk.ts'
import { stepsIn } from '../step.ts'
import { placeOf, type World } from './world.ts'

type Found = { readonly image: string; readonly path: Path }

/** Images that may be another one tomorrow. */
export function images(world: World): Finding[] {
  return imagesOf(world).flatMap(({ image, path }) => {
    const last = image.split('/').at(-1) ?? ''
    if (/[:@]/.test(last) || last.endsWith(')')) return []
    const message = `the image \`${image}\` has no tag; what it is may change from one run to the next`
    return [warning('image-without-tag', valueAt(...path), message, `write a tag, such as \`${image}:1.2\``)]
  })
}

function imagesOf(world: World): Found[] {
  const { pipeline, tree } = world
  const written = (path: Path): Found[] => {
    const image = path.reduce<unknown>(childOf, tree)
    return typeof image === 'string' ? [{ image, path }] : []
  }
  return [
    ...written(['defaults', 'image']),
    ...pipeline.resourceTypes.flatMap(({ name }) => written(['resource_types', name, 'image'])),
    ...pipeline.jobs.flatMap((job) => [
      ...written(['jobs', job.name, 'image']),
      ...job.services.flatMap(({ name, image }) => {
        const path = ['jobs', job.name, 'services', name]
        const short = typeof path.reduce<unknown>(childOf, tree) === 'string'
        return [{ image, path: short ? path : [...path, 'image'] }]
      }),
      ...stepsIn(job).flatMap((step) => {
        const path = placeOf(world, step).path
        return step.image === null ? [] : written([...path.slice(0, -1), 'image'])
      }),
    ]),
  ]
}
