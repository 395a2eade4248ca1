import { sql } from 'kysely'
import type { JobId, LaneId, PipelineId, ProjectId, RunId, VersionId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import type { LinkRow } from './chain.ts'
import type { FoundVersion } from './find-versions.ts'

/** A lane that a version, or something that came of it, may have got to. */
export type Line = {
  readonly pipeline: string
  readonly pipelineId: PipelineId
  readonly lane: string
  readonly laneId: LaneId
  readonly version: FoundVersion
}
/** A job of a line, and the newest runs of it that hold the version. */
export type Spot = Reach & { readonly line: Line; readonly name: string }
export type Runs = ReadonlyMap<RunId, LinkRow>

type Place = { readonly job: JobId; readonly lane: LaneId }
/** The newest runs of a spot that hold one of some versions: of all, of those that turned green, of those that have not ended. */
export type Reach = Place & {
  readonly ended: RunId | null
  readonly green: RunId | null
  readonly open: RunId | null
}

/**
 * How far versions got at each of these spots. What has ended is found in the index that joins endings by their versions, what
 * has not among the few that are under way: the length of the history does not matter.
 */
export async function reachOf(
  db: Db,
  spots: readonly Place[],
  versions: readonly VersionId[],
): Promise<Reach[]> {
  const ended = (how: string[]) => sql`
    select endings.run_id from unnest(${[...versions]}::bigint[]) as wanted (id)
    cross join lateral (
      select endings.id, endings.run_id from ending_versions
      join endings on endings.id = ending_versions.ending_id
      where ending_versions.job_id = spots.job and ending_versions.lane_id = spots.lane
        and ending_versions.version_id = wanted.id and endings.how = any(${how})
      order by ending_versions.ending_id desc limit 1
    ) endings order by endings.id desc limit 1`
  const { rows } = await sql<Reach>`
    select spots.job, spots.lane, ended.run_id as ended, green.run_id as green, open.id as open
    from unnest(${spots.map((spot) => spot.job)}::bigint[], ${spots.map((spot) => spot.lane)}::bigint[]) as spots (job, lane)
    left join lateral (${ended(['success', 'failure', 'other'])}) ended on true
    left join lateral (${ended(['success'])}) green on true
    left join lateral (
      select runs.id from runs
      where runs.job_id = spots.job and runs.lane_id = spots.lane and runs.state in ('queued', 'running', 'waiting')
        and exists (
          select from run_inputs where run_id = runs.id and version_id = any(${[...versions]}::bigint[])
        )
      order by runs.id desc limit 1
    ) open on true`.execute(db)
  return rows
}

/** How many of a job's newest runs are asked which of them ended last. */
const LAST_FEW = 5

/**
 * What environments of a project stand at: the run that changed each of them last, and whether it holds one of these versions.
 */
export async function standsAt(
  db: Db,
  {
    project,
    names,
    versions,
  }: { project: ProjectId; names: readonly string[]; versions: readonly VersionId[] },
): Promise<{ name: string; run: RunId; holds: boolean }[]> {
  const { rows } = await sql<{ name: string; run: RunId; holds: boolean }>`
    select wanted.name, last.id as run, (
      exists (select from run_inputs where run_id = last.id and version_id = any(${[...versions]}::bigint[]))
      or exists (select from run_outputs where run_id = last.id and version_id = any(${[...versions]}::bigint[]))
    ) as holds
    from unnest(${[...names]}::text[]) as wanted (name)
    cross join lateral (
      select newest.id from jobs join pipelines on pipelines.id = jobs.pipeline_id
      cross join lateral (
        select id, ended_at from runs
        where environment = wanted.name and job_id = jobs.id and state = 'succeeded'
        order by id desc limit ${LAST_FEW}
      ) newest
      where pipelines.project_id = ${project}
      order by newest.ended_at desc, newest.id desc limit 1
    ) last`.execute(db)
  return rows
}
