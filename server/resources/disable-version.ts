import { sql } from 'kysely'
import type { UserId, VersionId } from '#pipelines/ids.ts'
import { shortName } from '#pipelines/plan/words.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { lookAgain, versionAt } from './look-again.ts'

type Person = { readonly id: UserId; readonly name: string }

/**
 * A person decides that no job takes a version any more. Runs that have it keep it.
 *
 * @throws {Problem} `version-not-found`.
 */
export async function disableVersion(
  db: Db,
  version: VersionId,
  { by, reason }: { by: Person; reason: string },
): Promise<void> {
  await transact(db, async (tx) => {
    const at = await versionAt(tx.db, version)
    await tx.db
      .updateTable('versions')
      .set({ disabled_at: sql<Date>`now()`, disabled_by: by.id, disabled_reason: reason })
      .where('id', '=', version)
      .execute()
    const words = `${at.resource} ${shortName(at.name)} was disabled by ${by.name}`
    await lookAgain(tx, { resource: at.resource, lane: at.lane_id }, words)
  })
}

/**
 * Jobs may take the version again.
 *
 * @throws {Problem} `version-not-found`.
 * @returns Whether it was disabled.
 */
export async function enableVersion(db: Db, version: VersionId, by: Person): Promise<boolean> {
  return transact(db, async (tx) => {
    const at = await versionAt(tx.db, version)
    const enabled = await tx.db
      .updateTable('versions')
      .set({ disabled_at: null, disabled_by: null, disabled_reason: null })
      .where('id', '=', version)
      .where('disabled_at', 'is not', null)
      .returning('id')
      .executeTakeFirst()
    if (!enabled) return false
    const words = `${at.resource} ${shortName(at.name)} was enabled by ${by.name}`
    await lookAgain(tx, { resource: at.resource, lane: at.lane_id }, words)
    return true
  })
}
