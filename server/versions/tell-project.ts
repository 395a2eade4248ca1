import type { ProjectRow } from '../catalog/queries.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { laneNow } from '../resources/lane-now.ts'
import { takeEvent, type Told } from './take-event.ts'

/** What became of an event in a project: the resources that gained a version, and why others did not, in words. */
export type Heard = {
  readonly versions: readonly { readonly pipeline: string; readonly resource: string }[]
  /** Those that have it already, because it was told before. */
  readonly known: readonly string[]
  readonly passedOver: readonly string[]
}

/**
 * Tell all pipelines of a project of an event, each in a transaction of its own: no two of them are locked at once. Told once more it
 * changes nothing where it was heard already.
 */
export async function tellProject(
  db: Db,
  project: Pick<ProjectRow, 'id' | 'name'>,
  told: Told,
): Promise<Heard> {
  const versions: { pipeline: string; resource: string }[] = []
  const known: string[] = []
  const passedOver: string[] = []
  for (const pipeline of await listening(db, project)) {
    const heard = await transact(db, async (tx) => {
      const here = await laneNow(tx, { project: project.name, pipeline })
      return here ? takeEvent(tx, here, told) : { taken: [], known: [], passedOver: [] }
    })
    versions.push(...heard.taken.map((resource) => ({ pipeline, resource })))
    known.push(...heard.known.map((resource) => `${project.name}/${pipeline}: ${resource}`))
    passedOver.push(...heard.passedOver.map((words) => `${project.name}/${pipeline}: ${words}`))
  }
  return { versions, known, passedOver }
}

/** The pipelines that ever had a resource made of events. */
async function listening(db: Db, { id }: Pick<ProjectRow, 'id'>): Promise<string[]> {
  const rows = await db
    .selectFrom('resources')
    .innerJoin('pipelines', 'pipelines.id', 'resources.pipeline_id')
    .select(['pipelines.id', 'pipelines.name'])
    .distinct()
    .where('pipelines.project_id', '=', id)
    .where('resources.kind', '=', 'event')
    .orderBy('pipelines.id')
    .execute()
  return rows.map(({ name }) => name)
}
