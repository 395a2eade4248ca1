import type { RunId } from '#pipelines/ids.ts'
import { MOST_IMAGES, type RanImage } from '#pipelines/wire/images.ts'
import type { Db, Trx } from '../db/connect.ts'

type Attempt = { readonly id: RunId; readonly attempt: number }

/** Note what the engine really ran of the images that a run names; what is said again stands there once. */
export async function noteImages(
  db: Trx,
  { id, attempt }: Attempt,
  images: readonly RanImage[],
): Promise<void> {
  if (images.length === 0) return
  await db
    .insertInto('run_images')
    .values(
      images.map(({ id: image_id, image, digests }) => ({
        ...{ run_id: id, attempt, image_id, image },
        digests: [...digests],
      })),
    )
    .onConflict((oc) => oc.doNothing())
    .execute()
}

/** In the order of their names. */
export const ranImages = (db: Db | Trx, { id, attempt }: Attempt) =>
  db
    .selectFrom('run_images')
    .select(['image', 'image_id as id', 'digests'])
    .where('run_id', '=', id)
    .where('attempt', '=', attempt)
    .orderBy('image')
    .orderBy('image_id')
    .limit(MOST_IMAGES)
    .execute()
