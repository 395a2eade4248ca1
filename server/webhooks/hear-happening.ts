import type { DeliveryId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import { type Heard, tellProject } from '../versions/tell-project.ts'
import type { Addressee } from './addressee.ts'
import type { Happening } from './read-delivery.ts'
import type { Fate } from './settle.ts'

type Told = Happening & { readonly delivery: DeliveryId }
type Listener = Pick<Addressee, 'id' | 'name'>

/** Something happened outside: a version of each resource of the project that asks for it. */
export async function hearHappening(db: Db, project: Listener, told: Told): Promise<Fate> {
  const heard = await tellProject(db, project, told)
  const words = heardWords(project.name, heard)
  return {
    state: heard.versions.length > 0 ? 'processed' : 'ignored',
    reason: words ?? `no \`event\` resource of \`${project.name}\` listens to \`${told.source}\``,
    project: project.name,
  }
}

/** What became of it in a project, in words; null where nothing there listens. */
export function heardWords(project: string, { versions, known, passedOver }: Heard): string | null {
  const gained = versions.map(({ pipeline, resource }) => `${project}/${pipeline}: ${resource}`)
  const all = [...gained, ...known.map((place) => `${place} was told before`), ...passedOver]
  return all.length > 0 ? all.join('; ') : null
}
