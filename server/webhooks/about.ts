import type { DeliveryId } from '#pipelines/ids.ts'
import { laneOf } from '#pipelines/plan/lanes.ts'
import type { Db } from '../db/connect.ts'
import { storable } from '../db/to-json.ts'
import type { Push } from './payloads.ts'
import type { Meaning } from './read-delivery.ts'

const MOST_LETTERS = 200
const SHORT = 7

/** What a delivery speaks of, in so few words that a list can hold them; null where its event says it all. */
function aboutOf(meaning: Meaning): string | null {
  if ('push' in meaning) return ofPush(meaning.push)
  if ('happening' in meaning) return meaning.happening.id
  if ('images' in meaning && meaning.images)
    return meaning.images.map(({ path, tag }) => (tag === null ? path : `${path}:${tag}`)).join(', ')
  if ('again' in meaning) return `${meaning.again.sha.slice(0, SHORT)} once more`
  return null
}

function ofPush({ ref, after, pull }: Push): string {
  const lane = laneOf(ref) ?? ref
  const title = pull ? ` ${pull.title}` : ''
  return `${lane} ${after === null ? (pull?.over ?? 'gone') : after.slice(0, SHORT)}${title}`
}

/** Write down what it speaks of, for the list. */
export async function noteAbout(
  db: Db,
  { id, about: known }: { readonly id: DeliveryId; readonly about: string | null },
  meaning: Meaning,
): Promise<void> {
  const about = aboutOf(meaning)
  if (about === null || known !== null) return
  const words = storable(about).slice(0, MOST_LETTERS)
  await db.updateTable('deliveries').set({ about: words }).where('id', '=', id).execute()
}
