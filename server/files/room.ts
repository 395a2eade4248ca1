import { sql } from 'kysely'
import type { LaneId, PipelineId, ProjectId, ResourceId } from '#pipelines/ids.ts'
import type { Db, Trx } from '../db/connect.ts'
import { LOCKS } from '../db/locks.ts'
import type { VersionBody } from '../db/schema.ts'
import { toJson } from '../db/to-json.ts'
import { Problem } from '../problem.ts'
import type { Leg } from '../runs/job-states.ts'

/** How much the projects of this server may remember, each. */
export type Room = { readonly stateBytes: number }

type Place = { readonly project_id: ProjectId; readonly project: string }
/** What is replaced, and so counts no more. */
type Replaced = { readonly leg: Leg } | { readonly resource: ResourceId; readonly lane: Leg['lane_id'] }

/**
 * What jobs remember on lanes, by leg: the newest state, or what a run that is still under way has left, whichever is larger; and the
 * newest version of each `state` resource, with its keys.
 */
const held = (project: ProjectId) => sql`
  select job_id, lane_id, matrix, null::bigint as resource_id, max(bytes) as bytes from (
    (select distinct on (job_states.lane_id, job_states.job_id, job_states.matrix)
      job_states.job_id, job_states.lane_id, job_states.matrix, archives.bytes
    from job_states join jobs on jobs.id = job_states.job_id join pipelines on pipelines.id = jobs.pipeline_id
      join archives on archives.id = job_states.archive_id
    where pipelines.project_id = ${project}
    order by job_states.lane_id, job_states.job_id, job_states.matrix, job_states.version desc)
    union all
    select states.job_id, states.lane_id, runs.matrix, archives.bytes
    from states join runs on runs.id = states.run_id join jobs on jobs.id = states.job_id
      join pipelines on pipelines.id = jobs.pipeline_id join archives on archives.id = states.archive_id
    where pipelines.project_id = ${project} and runs.state = 'running'
  ) as left_behind group by job_id, lane_id, matrix
  union all
  select null, lanes.id, null, resources.id, coalesce(archives.bytes, 0) + octet_length(newest.body ->> 'fields')
  from resources join pipelines on pipelines.id = resources.pipeline_id join lanes on lanes.pipeline_id = pipelines.id
    cross join lateral (select body from versions where resource_id = resources.id and lane_id = lanes.id
      order by seq desc limit 1) as newest
    left join folders on folders.resource_id = resources.id and folders.version = newest.body ->> 'folder'
    left join archives on archives.id = folders.archive_id
  where pipelines.project_id = ${project} and resources.kind = 'state' and lanes.closed_at is null`

type Held = { readonly others: number; readonly replaced: number }

async function bytesHeld(db: Db | Trx, project: ProjectId, but: Replaced): Promise<Held> {
  const own =
    'leg' in but
      ? sql`job_id is not distinct from ${but.leg.job_id} and lane_id = ${but.leg.lane_id}
          and matrix is not distinct from ${but.leg.matrix && toJson(but.leg.matrix)}::jsonb`
      : sql`resource_id is not distinct from ${but.resource} and lane_id = ${but.lane}`
  const { rows } = await sql<Record<keyof Held, string>>`
    select coalesce(sum(bytes) filter (where ${own}), 0)::text as replaced,
      coalesce(sum(bytes) filter (where not (${own})), 0)::text as others
    from (${held(project)}) as held`.execute(db)
  return { others: Number(rows[0]?.others ?? 0), replaced: Number(rows[0]?.replaced ?? 0) }
}

/** How many bytes a project remembers. */
export async function bytesOfProject(db: Db, project: ProjectId): Promise<number> {
  const { rows } = await sql<{ bytes: string }>`
    select coalesce(sum(bytes), 0)::text as bytes from (${held(project)}) as held`.execute(db)
  return Number(rows[0]?.bytes ?? 0)
}

type Wanted = {
  readonly replaces: Replaced
  readonly bytes: number
  readonly what: string
  readonly room: Room
}

/**
 * Whether a project may remember so much, looked at by one at a time: what is added is written before the lock is gone. What gets
 * smaller always fits.
 *
 * @throws {Problem} `state-too-large`, naming the size, the limit and what to do.
 */
export async function mustFit(
  db: Trx,
  { project_id, project }: Place,
  { replaces, bytes, what, room }: Wanted,
): Promise<void> {
  await sql`select pg_advisory_xact_lock(${LOCKS.states}, ${project_id}::int)`.execute(db)
  const { others, replaced } = await bytesHeld(db, project_id, replaces)
  const all = others + bytes
  if (all <= room.stateBytes || bytes <= replaced) return
  throw new Problem(
    'state-too-large',
    `${what} has ${bytes} bytes; with it the state of ${project} would have ${all}, and ${room.stateBytes} fit: ` +
      `leave less, remove what nobody needs (\`takt state list\` tells sizes), or raise TAKT_STATE_MIB on the server`,
    { bytes: all, limit: room.stateBytes },
  )
}

type Putting = Place & { readonly pipeline_id: PipelineId; readonly lane_id: LaneId; readonly lane: string }
type Put = { readonly resource: string; readonly body: VersionBody; readonly room: Room }

/** The same of a version of a `state` resource: its files and its keys. @throws {Problem} `state-too-large`. */
export async function folderMustFit(db: Trx, at: Putting, { resource, body, room }: Put): Promise<void> {
  const { id, bytes } = await db
    .selectFrom('resources')
    .leftJoin('folders', (join) =>
      join
        .onRef('folders.resource_id', '=', 'resources.id')
        .on('folders.version', '=', 'folder' in body ? (body.folder ?? '') : ''),
    )
    .leftJoin('archives', 'archives.id', 'folders.archive_id')
    .select(['resources.id', 'archives.bytes'])
    .where('resources.pipeline_id', '=', at.pipeline_id)
    .where('resources.name', '=', resource)
    .executeTakeFirstOrThrow()
  await mustFit(db, at, {
    replaces: { resource: id, lane: at.lane_id },
    bytes: Number(bytes ?? 0) + Buffer.byteLength(toJson('fields' in body ? body.fields : {})),
    what: `what is put into \`${resource}\` on \`${at.lane}\``,
    room,
  })
}
