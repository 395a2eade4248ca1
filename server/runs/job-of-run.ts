import type { Job } from '#pipelines/language/pipeline.ts'
import { definitionIn } from '../catalog/definitions.ts'
import type { Db, Trx } from '../db/connect.ts'
import type { LockedRun } from './lock-run.ts'

/** The run's job as its revision says; undefined where that has no such job. */
export async function jobOfRun(
  db: Db | Trx,
  run: Pick<LockedRun, 'revision_id' | 'job'>,
): Promise<Job | undefined> {
  const revision = await definitionIn(db, run.revision_id)
  return revision?.definition.jobs.find((each) => each.name === run.job)
}
