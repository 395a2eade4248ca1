import type { RunId } from '#pipelines/ids.ts'
import type { Db, Trx } from '../db/connect.ts'
import { storable } from '../db/to-json.ts'

export type Warning = { readonly rule: string; readonly words: string }

/** Put down with a run what policies warned of, for whoever looks at it; what is said again stands there once. */
export async function noteWarnings(db: Trx, run: RunId, warnings: readonly Warning[]): Promise<void> {
  if (warnings.length === 0) return
  await db
    .insertInto('run_warnings')
    .values(warnings.map(({ rule, words }) => ({ run_id: run, rule, words: storable(words) })))
    .onConflict((oc) => oc.doNothing())
    .execute()
}

/** So many are told of a run, the oldest first. */
const MOST = 100

export async function warningsOf(db: Db | Trx, run: RunId) {
  const rows = await db
    .selectFrom('run_warnings')
    .select(['rule', 'words', 'at'])
    .where('run_id', '=', run)
    .orderBy('id')
    .limit(MOST)
    .execute()
  return rows.map(({ at, ...row }) => ({ ...row, at: at.toISOString() }))
}
