import { sql } from 'kysely'
import type { PipelineId, RepositoryId, RunId } from '#pipelines/ids.ts'
import {
  isRed,
  type JobRun,
  jobVerdict,
  lineVerdict,
  type Standing,
  type Verdict,
} from '#pipelines/statuses/verdict.ts'
import type { Trx } from '../db/connect.ts'
import { isAllowed } from '../runs/queries.ts'

export type Kind = 'push' | 'tag' | 'pull_request'
/** A commit on a line. */
export type Spot = {
  readonly pipelineId: PipelineId
  readonly project: string
  readonly pipeline: string
  readonly repositoryId: RepositoryId
  readonly kind: Kind
  readonly sha: string
}
/** How a job stands, and the run that says so. */
export type JobStanding = {
  readonly job: string
  readonly verdict: Verdict
  readonly run: RunId
  readonly words: string
}
export type SpotStanding = {
  readonly line: Standing
  readonly jobs: readonly JobStanding[]
  readonly lane: string | null
  /** Something is still to be looked at: what is green so far need not be all. */
  readonly isOpen: boolean
}

/** @returns Null where the line knows nothing of the commit. */
export async function standingOf(tx: Trx, spot: Spot): Promise<SpotStanding | null> {
  const asked = spot.kind === 'pull_request' ? await headOf(tx, spot) : null
  const lane = await laneOf(tx, spot)
  const broken = await brokenBy(tx, spot)
  if (asked && !lane) return { line: asked, jobs: [], lane: null, isOpen: false }
  if (broken && !lane) return { line: broken, jobs: [], lane: null, isOpen: false }
  if (!lane) return null
  // Asked first: a look and the runs that come of it are committed at once, so that what is not open any more has them.
  const open = await isOpen(tx, spot)
  const runs = await newestRuns(tx, spot)
  const line = broken ?? lineVerdict(runs)
  return { line, jobs: jobsOf(runs), lane: lane.lane, isOpen: open }
}

type RunRow = JobRun & { readonly id: RunId; readonly number: number }

function jobsOf(runs: readonly RunRow[]): JobStanding[] {
  return [...Map.groupBy(runs, ({ job }) => job)].map(([job, legs]) => {
    const verdict = jobVerdict(legs)
    const telling = legs.find(({ state, allowed }) => state === verdict && !allowed) ?? legs.at(-1)
    const run = (telling?.id ?? 0) as RunId
    const red = legs.filter(({ state, allowed }) => !allowed && isRed(state as Verdict)).length
    const legsRed = legs.length > 1 && red > 0 ? `; ${red} of ${legs.length} legs` : ''
    return { job, verdict, run, words: `#${telling?.number} ${verdict}${legsRed}` }
  })
}

/** The newest run of each job, and of each leg of a matrix: with the commit itself, or else with what came of it. */
async function newestRuns(tx: Trx, { pipelineId, repositoryId, kind, sha }: Spot): Promise<RunRow[]> {
  const { rows } = await sql<RunRow>`
    with own as (
      select versions.id from versions join resources on resources.id = versions.resource_id
      join lanes on lanes.id = versions.lane_id and lanes.kind = ${kind}
      where resources.pipeline_id = ${pipelineId} and resources.repository_id = ${repositoryId}
        and versions.name = ${sha}
    ), found as (
      select run_id from run_inputs where version_id in (select id from own)
      union
      select run_id from run_inputs
      where version_id in (select version_id from version_origins where origin_id in (select id from own))
        and not exists (
          select from run_inputs direct join resources on resources.id = direct.resource_id
          where direct.run_id = run_inputs.run_id and resources.repository_id = ${repositoryId})
    )
    select distinct on (jobs.name, runs.lane_id, runs.matrix)
      runs.id, runs.number, jobs.name as job, runs.state, ${isAllowed} as allowed
    from found join runs on runs.id = found.run_id join jobs on jobs.id = runs.job_id
    join lanes on lanes.id = runs.lane_id and lanes.kind = ${kind}
    where jobs.pipeline_id = ${pipelineId}
    order by jobs.name, runs.lane_id, runs.matrix, runs.id desc`.execute(tx)
  return rows
}

/** The lane that has the commit, the one that got it last. */
const laneOf = (tx: Trx, { pipelineId, repositoryId, kind, sha }: Spot) =>
  tx
    .selectFrom('versions')
    .innerJoin('resources', 'resources.id', 'versions.resource_id')
    .innerJoin('lanes', 'lanes.id', 'versions.lane_id')
    .select('lanes.name as lane')
    .where('resources.pipeline_id', '=', pipelineId)
    .where('resources.repository_id', '=', repositoryId)
    .where('lanes.kind', '=', kind)
    .where('versions.name', '=', sha)
    .orderBy('versions.id', 'desc')
    .limit(1)
    .executeTakeFirst()

/** Jobs of its lanes are about to be looked at, so that more runs may come. */
async function isOpen(tx: Trx, { pipelineId, repositoryId, kind, sha }: Spot): Promise<boolean> {
  const { rows } = await sql<{ open: boolean }>`
    select exists (
      select from dirty_jobs join jobs on jobs.id = dirty_jobs.job_id
      where jobs.pipeline_id = ${pipelineId} and requested > served and dirty_jobs.lane_id in (
        select versions.lane_id from versions join resources on resources.id = versions.resource_id
        join lanes on lanes.id = versions.lane_id and lanes.kind = ${kind}
        where resources.pipeline_id = ${pipelineId} and resources.repository_id = ${repositoryId}
          and versions.name = ${sha})
    ) as open`.execute(tx)
  return rows[0]?.open ?? false
}

/** The line's file at this commit is no good. */
async function brokenBy(tx: Trx, { pipelineId, kind, sha }: Spot): Promise<Standing | null> {
  const row = await tx
    .selectFrom('lanes')
    .innerJoin('revisions', 'revisions.id', 'lanes.newest_revision_id')
    .innerJoin('pipelines', 'pipelines.id', 'lanes.pipeline_id')
    .select(['revisions.diagnostics', 'pipelines.path'])
    .where('lanes.pipeline_id', '=', pipelineId)
    .where('lanes.kind', '=', kind)
    .where('revisions.sha', '=', sha)
    .where('revisions.definition', 'is', null)
    .limit(1)
    .executeTakeFirst()
  const first = row?.diagnostics.find(({ severity }) => severity === 'error')
  if (!row) return null
  const words = first
    ? `${row.path}:${first.line}:${first.column}: ${first.message}`
    : `${row.path} is not valid`
  return { verdict: 'failed', words }
}

/** A stranger's commit that somebody is asked about. */
async function headOf(tx: Trx, { pipelineId, sha }: Spot): Promise<Standing | null> {
  const head = await tx
    .selectFrom('pull_heads')
    .innerJoin('pipelines', 'pipelines.project_id', 'pull_heads.project_id')
    .select(['pull_heads.state', 'pull_heads.decided_by'])
    .where('pipelines.id', '=', pipelineId)
    .where('pull_heads.sha', '=', sha)
    .orderBy('pull_heads.id', 'desc')
    .limit(1)
    .executeTakeFirst()
  switch (head?.state) {
    case 'waiting':
      return { verdict: 'waiting', words: 'comes from a fork: a maintainer is asked first' }
    case 'rejected':
      return { verdict: 'cancelled', words: `kept from running by ${head.decided_by}` }
    case 'replaced':
      return { verdict: 'cancelled', words: 'the pull request has another head by now' }
    case 'closed':
    case 'approved':
    case undefined:
      return null
  }
}
