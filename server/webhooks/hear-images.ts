import type { ResourceId } from '#pipelines/ids.ts'
import { matchesGlob } from '#pipelines/language/glob.ts'
import { checkNow } from '../checks/check-now.ts'
import type { Question } from '../checks/questions.ts'
import type { Db } from '../db/connect.ts'
import type { Addressee } from './addressee.ts'
import type { PushedImage } from './read-registry.ts'
import type { Fate } from './settle.ts'

type Watcher = {
  readonly id: ResourceId
  readonly name: string
  readonly pipeline: string
  readonly path: string
  readonly tag: string | null
}

/**
 * A registry says that images were pushed. What a tag points to now is the registry's to say: each resource that watches one of them
 * looks for itself. By which name the registry was pushed to may differ from the one it is watched by, so the path alone counts.
 */
export async function hearImages(db: Db, project: Addressee, images: readonly PushedImage[]): Promise<Fate> {
  const watchers = await watchersOf(db, project)
  const concerned = watchers.filter((each) => images.some((image) => concerns(each, image)))
  for (const { id } of concerned) await checkNow(db, id)
  const looked = concerned.map(({ pipeline, name }) => `${project.name}/${pipeline}: ${name} is looked for`)
  const told = [...new Set(images.map(({ path, tag }) => (tag === null ? path : `${path}:${tag}`)))]
  return {
    state: concerned.length > 0 ? 'processed' : 'ignored',
    reason:
      looked.join('; ') ||
      `no registry resource that a job of \`${project.name}\` gets watches ${told.slice(0, 10).join(', ')}`,
    project: project.name,
  }
}

const concerns = ({ path, tag }: Watcher, image: PushedImage): boolean =>
  path === plainPath(image.path) && (tag === null || image.tag === null || matchesGlob(image.tag, tag))

/** A host has a dot or a port in it, or is this machine; Docker Hub's own images have a folder that nobody writes. */
const plainPath = (repository: string): string =>
  repository
    .replace(/^([^/]*[.:][^/]*|localhost)\//, '')
    .replace(/^library\//, '')
    .toLowerCase()

async function watchersOf(db: Db, { id }: Addressee): Promise<Watcher[]> {
  const rows = await db
    .selectFrom('resources')
    .innerJoin('pipelines', 'pipelines.id', 'resources.pipeline_id')
    .innerJoin('checks', 'checks.id', 'resources.check_id')
    .select(['resources.id', 'resources.name', 'pipelines.name as pipeline', 'checks.question'])
    .where('pipelines.project_id', '=', id)
    .where('checks.kind', '=', 'registry')
    .orderBy('resources.id')
    .execute()
  return rows.flatMap(({ question, ...row }) => {
    const asked = question as Question
    return asked.kind === 'registry' ? [{ ...row, path: plainPath(asked.repository), tag: asked.tag }] : []
  })
}
