import type { VersionId } from '#pipelines/ids.ts'
import type { Job } from '#pipelines/language/pipeline.ts'
import type { DetailFact, Facts } from '#pipelines/plan/facts.ts'
import { fieldsOfVersion } from '../resources/fields.ts'
import type { Trx } from '../db/connect.ts'

/** What versions tell, for a job that asks: by an `if`, or by `paths`. */
export async function detailsOf(
  db: Trx,
  job: Job,
  versions: readonly VersionId[],
): Promise<Facts['details']> {
  if ((job.if === null && job.paths.length === 0) || versions.length === 0) return {}
  const rows = await db
    .selectFrom('versions')
    .select(['id', 'name', 'body', 'changed'])
    .where('id', 'in', [...versions])
    .execute()
  return Object.fromEntries(
    rows.map(({ id, changed, ...version }): [number, DetailFact] => [
      id,
      { fields: fieldsOfVersion(version), changed },
    ]),
  )
}
