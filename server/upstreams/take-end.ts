import { sql } from 'kysely'
import type { RunId, VersionId } from '#pipelines/ids.ts'
import type { Tx } from '../db/transact.ts'
import { laneNow } from '../resources/lane-now.ts'
import type { LaneNow } from '../resources/commit.ts'
import { recordVersion, triggerByVersions } from '../resources/record-version.ts'
import { circleOf } from './circle.ts'
import { fieldsOfEnd } from './end-fields.ts'
import type { End, Follower } from './ends.ts'
import { followedBy } from './follow-jobs.ts'

/**
 * A green end becomes a version of a resource that follows its job, on the default branch's lane, or a reason why it does not; and
 * nothing at all when it was heard before: a retry of what was green, or one that is told a second time.
 */
export async function takeEnd(tx: Tx, follower: Follower, end: End): Promise<void> {
  const at = await laneNow(tx, follower)
  if (!at || !stillFollows(at, follower)) return
  const known = await tx.db
    .selectFrom('heard_ends')
    .select('run_id')
    .where('resource_id', '=', follower.resource)
    .where('run_id', '=', end.root)
    .executeTakeFirst()
  if (known) return
  const reason = await circleOf(tx.db, end.run, follower.resource)
  const version = reason === null ? await record(tx, at, { follower, end }) : null
  await tx.db
    .insertInto('heard_ends')
    .values({
      ...{ resource_id: follower.resource, run_id: end.root, ended_id: end.run, version_id: version },
      reason: version === null ? (reason ?? 'it is known by another name') : null,
    })
    .execute()
  const { project, pipeline, lane } = at
  const where = { project, pipeline, resource: follower.name }
  if (version === null) return tx.emit({ kind: 'resource.checked', ...where })
  tx.emit({ kind: 'version.recorded', ...where, lane, version })
  await triggerByVersions(tx, at, new Map([[follower.name, version]]))
}

/** The file in force may name another job by now. */
function stillFollows({ definition, project }: LaneNow, { name, upstream }: Follower): boolean {
  const resource = definition.resources.find((each) => each.name === name)
  if (resource?.kind !== 'upstream') return false
  const now = followedBy(resource, project)
  return now.project === upstream.project && now.pipeline === upstream.pipeline && now.job === upstream.job
}

type Taking = { readonly follower: Follower; readonly end: End }

async function record(tx: Tx, at: LaneNow, { follower, end }: Taking): Promise<VersionId | null> {
  const fields = await fieldsOfEnd(tx.db, end)
  const newest = await newestHeard(tx, at, follower)
  const behind = newest !== null && (await isBehind(tx, end, newest))
  return recordVersion(tx.db, {
    ...{ resource: follower.resource, lane: at.laneId, name: String(end.root), body: { fields } },
    delivery: null,
    head: behind ? 'before' : 'now',
    ...(behind ? { order: { forced: false, left: false, onTheWay: [newest.name] } } : {}),
  })
}

type Heard = { readonly name: string; readonly root: RunId | null; readonly run: RunId | null }

/** The newest version, and the run that it stands for; no run where that is gone. */
async function newestHeard(tx: Tx, at: LaneNow, { resource }: Follower): Promise<Heard | null> {
  const row = await tx.db
    .selectFrom('versions')
    .leftJoin('heard_ends', 'heard_ends.version_id', 'versions.id')
    .select(['versions.name', 'heard_ends.run_id as root', 'heard_ends.ended_id as run'])
    .where('versions.resource_id', '=', resource)
    .where('versions.lane_id', '=', at.laneId)
    .where('versions.left_at', 'is', null)
    .orderBy('versions.seq', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row ?? null
}

/**
 * Whether an end goes below the newest one: its job ran with something older and with nothing newer, or with the same and was created
 * before. Whoever finishes late, and what is run once more, moves nothing backwards.
 */
async function isBehind(tx: Tx, end: End, newest: Heard): Promise<boolean> {
  if (newest.run === null || newest.root === null) return false
  const { rows } = await sql<{ same_job: boolean; older: number; newer: number }>`
    select (select job_id from runs where id = ${newest.run}) = ${end.jobId} as same_job,
      count(*) filter (where mine.seq < theirs.seq)::int as older, count(*) filter (where mine.seq > theirs.seq)::int as newer
    from run_inputs own join versions mine on mine.id = own.version_id
    join run_inputs other on other.run_id = ${newest.run} and other.resource_id = own.resource_id
    join versions theirs on theirs.id = other.version_id and theirs.lane_id = mine.lane_id
    where own.run_id = ${end.run}`.execute(tx.db)
  const [row] = rows
  if (!row?.same_job) return false
  if (row.older > 0 && row.newer === 0) return true
  return row.newer === 0 && end.root < newest.root
}
