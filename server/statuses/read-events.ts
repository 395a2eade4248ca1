import { sql } from 'kysely'
import type { RevisionId, RunId, VersionId } from '#pipelines/ids.ts'
import type { TaktEvent } from '#pipelines/wire/events.ts'
import type { Db, Trx } from '../db/connect.ts'
import { readOn } from '../events/read-on.ts'

/**
 * Read on from where the last one stopped: the commits that the facts are about are due.
 *
 * @returns True when there may be more.
 */
export const readEvents = (db: Db): Promise<boolean> => readOn(db, 'status_cursor', makeDue)

async function makeDue(tx: Trx, events: readonly TaktEvent[]): Promise<void> {
  const runs: RunId[] = []
  const versions: VersionId[] = []
  const revisions: RevisionId[] = []
  const pulls: { project: string; number: number }[] = []
  for (const event of events) {
    if (event.kind === 'run.moved') runs.push(event.run)
    else if (event.kind === 'version.recorded') versions.push(event.version)
    else if (event.kind === 'revision.synced') revisions.push(event.revision)
    else if (event.kind === 'pull.moved') pulls.push(event)
  }
  if (runs.length > 0) await dueByRuns(tx, runs)
  if (versions.length > 0) await dueByVersions(tx, versions)
  if (revisions.length > 0) await dueByRevisions(tx, revisions)
  for (const pull of pulls) await dueByPull(tx, pull)
}

const insert = sql`insert into status_dues (pipeline_id, kind, sha)`
const orNow = sql`on conflict (pipeline_id, kind, sha) do update set due_at = least(status_dues.due_at, excluded.due_at)`

/** The commits that runs have, and those that what they have came of. */
const dueByRuns = (tx: Trx, runs: readonly RunId[]) =>
  sql`
    with had as (
      select jobs.pipeline_id, lanes.kind, runs.lane_id, projects.repository_id, run_inputs.version_id
      from runs join lanes on lanes.id = runs.lane_id join jobs on jobs.id = runs.job_id
      join pipelines on pipelines.id = jobs.pipeline_id join projects on projects.id = pipelines.project_id
      join repositories on repositories.id = projects.repository_id and repositories.kind <> 'hosted'
      join run_inputs on run_inputs.run_id = runs.id
      where runs.id = any(${[...runs]}::bigint[])
    ), came as (
      select * from had
      union
      select had.pipeline_id, had.kind, had.lane_id, had.repository_id, version_origins.origin_id
      from had join version_origins on version_origins.version_id = had.version_id
    )
    ${insert}
    select distinct came.pipeline_id, came.kind, versions.name from came
    join versions on versions.id = came.version_id and versions.lane_id = came.lane_id
    join resources on resources.id = versions.resource_id and resources.repository_id = came.repository_id
    ${orNow}`.execute(tx)

const dueByVersions = (tx: Trx, versions: readonly VersionId[]) =>
  sql`${insert}
    select distinct pipelines.id, lanes.kind, versions.name
    from versions join lanes on lanes.id = versions.lane_id join resources on resources.id = versions.resource_id
    join pipelines on pipelines.id = resources.pipeline_id join projects on projects.id = pipelines.project_id
    join repositories on repositories.id = projects.repository_id and repositories.kind <> 'hosted'
    where versions.id = any(${[...versions]}::bigint[]) and resources.repository_id = projects.repository_id
    ${orNow}`.execute(tx)

/** A file that is no good is told at the commit that brought it. */
const dueByRevisions = (tx: Trx, revisions: readonly RevisionId[]) =>
  sql`${insert}
    select distinct lanes.pipeline_id, lanes.kind, revisions.sha
    from revisions join lanes on lanes.newest_revision_id = revisions.id
    join pipelines on pipelines.id = lanes.pipeline_id join projects on projects.id = pipelines.project_id
    join repositories on repositories.id = projects.repository_id and repositories.kind <> 'hosted'
    where revisions.id = any(${[...revisions]}::bigint[]) and revisions.definition is null
    ${orNow}`.execute(tx)

/** On all the lines that listen to pull requests. */
const dueByPull = (tx: Trx, { project, number }: { readonly project: string; readonly number: number }) =>
  sql`${insert}
    select distinct pipelines.id, 'pull_request', pull_heads.sha
    from pull_heads join projects on projects.id = pull_heads.project_id
    join pipelines on pipelines.project_id = projects.id
    join lanes on lanes.pipeline_id = pipelines.id and lanes.kind = 'push'
    join revisions on revisions.id = lanes.revision_id
      and jsonb_array_length(revisions.definition #> '{triggers,pullRequest,branches}') > 0
    where projects.name = ${project} and pull_heads.number = ${number}
      and pull_heads.state in ('waiting', 'rejected', 'replaced')
    ${orNow}`.execute(tx)
