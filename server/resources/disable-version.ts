import { sql } from 'kysely'
import type { UserId, VersionId } from '#pipelines/ids.ts'
import { shortName } from '#pipelines/plan/words.ts'
import { audited } from '../audit/on-record.ts'
import type { Db, Trx } from '../db/connect.ts'
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
    const before = await availability(tx.db, version)
    await tx.db
      .updateTable('versions')
      .set({ disabled_at: sql<Date>`now()`, disabled_by: by.id, disabled_reason: reason })
      .where('id', '=', version)
      .execute()
    audited({ before, after: await availability(tx.db, version) })
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
    const before = await availability(tx.db, version)
    const enabled = await tx.db
      .updateTable('versions')
      .set({ disabled_at: null, disabled_by: null, disabled_reason: null })
      .where('id', '=', version)
      .where('disabled_at', 'is not', null)
      .returning('id')
      .executeTakeFirst()
    if (!enabled) return false
    audited({ before, after: await availability(tx.db, version) })
    const words = `${at.resource} ${shortName(at.name)} was enabled by ${by.name}`
    await lookAgain(tx, { resource: at.resource, lane: at.lane_id }, words)
    return true
  })
}

/** Whether a version may be taken, as the audit log tells it; it stays so until the transaction ends. */
async function availability(db: Trx, version: VersionId) {
  const { disabled_at, ...row } = await db
    .selectFrom('versions')
    .innerJoin('lanes', 'lanes.id', 'versions.lane_id')
    .select(['lanes.name as lane', 'versions.name as version', 'disabled_at', 'disabled_reason as reason'])
    .where('versions.id', '=', version)
    .forNoKeyUpdate('versions')
    .executeTakeFirstOrThrow()
  return { ...row, disabled: disabled_at !== null }
}
