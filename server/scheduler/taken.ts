import { sql } from 'kysely'
import type { JobId, RunId, VersionId } from '#pipelines/ids.ts'
import type { Facts, VersionFact } from '#pipelines/plan/facts.ts'
import type { Trx } from '../db/connect.ts'
import { newestOfJob, ofJobOnLane } from '../db/newest-of.ts'
import type { Place } from './place.ts'
import { heldByRun } from '../runs/versions-held.ts'

type Row = {
  readonly run: RunId
  readonly versions: Readonly<Record<string, VersionFact>>
  readonly needs: Readonly<Record<string, RunId>>
}

/** The newest set that the job took by itself on the lane: such runs only go upwards, so it is the last one's. */
export async function takenSet(db: Trx, { jobId, laneId, edges }: Place): Promise<Facts['taken']> {
  const { rows } = await sql<Row>`
    select last.id as run, ${heldByRun(sql.ref('last.id'))}::jsonb as versions,
      (select coalesce(json_object_agg(jobs.name, run_needs.upstream_id), '{}')::jsonb
       from run_needs join jobs on jobs.id = run_needs.job_id where run_needs.run_id = last.id) as needs
    from (
      select id from runs where ${ofJobOnLane(jobId, laneId)} and advances order by ${newestOfJob} limit 1
    ) as last`.execute(db)
  const [last] = rows
  if (!last) return null
  const loose = edges.needs.filter((need) => need.versions === 'any').map((need) => need.job)
  return {
    run: last.run,
    seqs: Object.fromEntries(Object.entries(last.versions).map(([name, version]) => [name, version.seq])),
    runs: Object.fromEntries(Object.entries(last.needs).filter(([job]) => loose.includes(job))),
  }
}

/** Which of these versions the job has used on the lane, in a run of whatever state; what has ended is one probe. */
export async function usedVersions(
  db: Trx,
  { jobId, laneId }: { jobId: JobId; laneId: Place['laneId'] },
  versions: readonly VersionId[],
): Promise<VersionId[]> {
  if (versions.length === 0) return []
  const { rows } = await sql<{ version: VersionId }>`
    select version from unnest(${versions}::bigint[]) as asked(version)
    where exists (
      select from ending_versions
      where job_id = ${jobId} and lane_id = ${laneId} and version_id = asked.version
    ) or exists (
      select from run_inputs join runs on runs.id = run_inputs.run_id
      where run_inputs.version_id = asked.version and runs.job_id = ${jobId} and runs.lane_id = ${laneId}
    )`.execute(db)
  return rows.map((row) => row.version)
}
