import type { RepositoryId } from '#pipelines/ids.ts'
import { projectsOf } from '../catalog/queries.ts'
import type { Db } from '../db/connect.ts'
import { tellProject } from '../versions/tell-project.ts'
import { heardWords } from './hear-happening.ts'
import { hearImages } from './hear-images.ts'
import type { Meaning } from './read-delivery.ts'
import { payloadIn } from './read-delivery.ts'
import { runAgain } from './run-again.ts'
import type { Fate } from './settle.ts'
import type { Delivery } from './sort.ts'

type Heard = {
  readonly delivery: Delivery
  readonly meaning: Exclude<Meaning, { readonly push: unknown }>
  readonly repository: RepositoryId
}
type Deps = { readonly db: Db; readonly publicUrl: () => string }

/** What a forge says of a repository besides that a ref has moved. */
export async function hearForge(deps: Deps, { delivery, meaning, repository }: Heard): Promise<Fate> {
  const { db } = deps
  const projects = await listeners(db, delivery, repository)
  const words: string[] = []
  let came = false
  if ('again' in meaning) {
    const again = await runAgain(deps, { ...meaning.again, repository, delivery })
    came ||= again.runs > 0
    words.push(again.words)
  }
  if ('nothing' in meaning && meaning.images)
    for (const project of projects) {
      const looked = await hearImages(db, project, meaning.images)
      came ||= looked.state === 'processed'
      words.push(looked.reason)
    }
  const told = await tellEvent(db, delivery, projects)
  return {
    state: came || told.came ? 'processed' : 'ignored',
    reason:
      [...words, ...told.words].join('; ') || ('nothing' in meaning ? meaning.nothing : 'it moves no ref'),
    project: projects[0]?.name ?? null,
  }
}

/** The project whose secret signed it; else all that use the repository. */
export async function listeners(db: Db, { project_id }: Delivery, repository: RepositoryId) {
  const all = await projectsOf(db, repository)
  return project_id === null ? all : all.filter(({ id }) => id === project_id)
}

type Project = Awaited<ReturnType<typeof listeners>>[number]

/** Whatever a forge tells is an event as well, of the source that is called like the forge, its name beside its payload. */
export async function tellEvent(db: Db, delivery: Delivery, projects: readonly Project[]) {
  const words: string[] = []
  let came = false
  const { id, source, delivery_id, event } = delivery
  if (source === 'git' || source === 'hosted') return { words, came }
  const body = { ...Object(payloadIn(delivery)), event }
  for (const project of projects) {
    const heard = await tellProject(db, project, { source, id: delivery_id, body, delivery: id })
    came ||= heard.versions.length > 0
    words.push(...[heardWords(project.name, heard) ?? []].flat())
  }
  return { words, came }
}
