import { sql } from 'kysely'
import type { z } from 'zod'
import { type Access, reaches, roleIn } from '#pipelines/access/roles.ts'
import type { FiringId, ResourceId, VersionId } from '#pipelines/ids.ts'
import type { Resource } from '#pipelines/language/pipeline.ts'
import { timeAfter, wallTime } from '#pipelines/plan/clock.ts'
import { edgesOf } from '#pipelines/plan/edges.ts'
import { mayIn } from '../access/grants.ts'
import { definitionOf } from '../catalog/definitions.ts'
import { defaultLane } from '../catalog/queries.ts'
import type { Db } from '../db/connect.ts'
import { decree } from '../lines/decisions.ts'
import type { Firing, Schedule } from './shapes.ts'

type Shown = z.output<typeof Schedule>
type ShownFiring = z.output<typeof Firing>
export type ScheduleFilter = {
  readonly project?: string | undefined
  readonly resource?: ResourceId | undefined
  readonly after?: ResourceId | undefined
  readonly limit: number
}

const NEXT = 5
const LAST = 5

/** The schedules in force that somebody sees, in the order in which they came to be. */
export async function findSchedules(db: Db, filter: ScheduleFilter, access: Access) {
  const rows = await scheduleRows(db, filter, access)
  const firings = await lastFirings(
    db,
    rows.map(({ id }) => id),
  )
  const items: Shown[] = []
  for (const row of rows) {
    const current = row.lane_id === null ? undefined : await definitionOf(db, row.lane_id)
    const rule = row.question.resource
    const role = roleIn(access, {
      project: row.project_id,
      organization: row.organization_id,
      public: row.public,
    })
    items.push({
      ...{ project: row.project, pipeline: row.pipeline, name: row.name },
      ...{ schedule: rule.schedule, timezone: rule.timezone, misfire: rule.misfire, overlap: rule.overlap },
      jitter_ms: rule.jitterMs,
      jobs: [...(current ? (edgesOf(current.definition).startedByVersion.get(row.name) ?? []) : [])],
      paused: decree(row.paused_by, row.paused_reason, row.paused_at),
      next: nextTimes(rule, row.seen?.nextMs ?? null),
      last: firings.get(row.id) ?? [],
      may: { fire: reaches(role, 'operator'), pause: reaches(role, 'maintainer') },
    })
  }
  return { items, last: rows.length === filter.limit ? (rows.at(-1)?.id ?? null) : null }
}

type Timed = Extract<Resource, { kind: 'time' }>

/** @param firstMs  The one that comes next; null while no server has looked. */
function nextTimes(rule: Timed, firstMs: number | null): Shown['next'] {
  const times: number[] = []
  for (let ms = firstMs; ms !== null && times.length < NEXT; ms = timeAfter(rule, ms)) times.push(ms)
  return times.map((ms) => ({ at: new Date(ms).toISOString(), there: wallTime(rule.timezone, ms) }))
}

function scheduleRows(db: Db, { project, resource, after, limit }: ScheduleFilter, access: Access) {
  let rows = db
    .selectFrom('resources')
    .innerJoin('checks', 'checks.id', 'resources.check_id')
    .innerJoin('pipelines', 'pipelines.id', 'resources.pipeline_id')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .innerJoin('repositories', 'repositories.id', 'projects.repository_id')
    .leftJoin('lanes', (join) =>
      join.onRef('lanes.pipeline_id', '=', 'pipelines.id').on(sql<boolean>`lanes.name = ${defaultLane}`),
    )
    .leftJoin('schedules', 'schedules.resource_id', 'resources.id')
    .select(['resources.id', 'resources.name', 'pipelines.name as pipeline', 'projects.name as project'])
    .select([
      'projects.id as project_id',
      'projects.organization_id',
      'projects.public',
      'lanes.id as lane_id',
    ])
    .select(['schedules.paused_at', 'schedules.paused_by', 'schedules.paused_reason'])
    .select(sql<{ resource: Timed }>`checks.question`.as('question'))
    .select(sql<{ nextMs: number } | null>`checks.seen`.as('seen'))
    .where('checks.kind', '=', 'time')
    .where(mayIn(access, 'viewer'))
  if (project !== undefined) rows = rows.where('projects.name', '=', project)
  if (resource !== undefined) rows = rows.where('resources.id', '=', resource)
  if (after !== undefined) rows = rows.where('resources.id', '>', after)
  return rows.orderBy('resources.id').limit(limit).execute()
}

type FiringRow = {
  id: FiringId
  resource_id: ResourceId
  due_at: Date
  fired_at: Date
  fate: ShownFiring['fate']
  reason: string | null
  missed: number
  conflict: number | null
  version_id: VersionId | null
  by_name: string | null
}

async function lastFirings(db: Db, resources: readonly ResourceId[]) {
  if (resources.length === 0) return new Map<ResourceId, ShownFiring[]>()
  const { rows } = await sql<FiringRow>`
    select recent.* from unnest(${[...resources]}::bigint[]) as wanted (id) cross join lateral (
      select * from firings where resource_id = wanted.id order by firings.id desc limit ${LAST}) recent
    order by recent.id desc`.execute(db)
  return shownFirings(db, rows)
}

/** The times of one schedule that came, newest first. */
export async function findFirings(
  db: Db,
  { resource, before, limit }: { resource: ResourceId; before: FiringId | undefined; limit: number },
): Promise<ShownFiring[]> {
  let rows = db.selectFrom('firings').selectAll().where('resource_id', '=', resource)
  if (before !== undefined) rows = rows.where('id', '<', before)
  const found = await rows.orderBy('id', 'desc').limit(limit).execute()
  return (await shownFirings(db, found)).get(resource) ?? []
}

async function shownFirings(db: Db, rows: readonly FiringRow[]): Promise<Map<ResourceId, ShownFiring[]>> {
  const versions = rows.flatMap(({ version_id }) => version_id ?? [])
  const runs = await runsOf(db, versions)
  const shown = new Map<ResourceId, ShownFiring[]>()
  for (const { resource_id, due_at, fired_at, version_id, by_name, ...row } of rows) {
    const firing = {
      ...{ id: row.id, fate: row.fate, reason: row.reason, missed: row.missed, conflict: row.conflict },
      ...{ due_at: due_at.toISOString(), fired_at: fired_at.toISOString(), by: by_name },
      lag_ms: Math.max(fired_at.getTime() - due_at.getTime(), 0),
      runs: runs.filter(({ version }) => version === version_id).map(({ version, ...run }) => run),
    }
    shown.set(resource_id, [...(shown.get(resource_id) ?? []), firing])
  }
  return shown
}

/** The runs that versions started. */
async function runsOf(db: Db, versions: readonly VersionId[]) {
  if (versions.length === 0) return []
  return db
    .selectFrom('triggers')
    .innerJoin('runs', 'runs.id', 'triggers.run_id')
    .innerJoin('jobs', 'jobs.id', 'runs.job_id')
    .select(['triggers.version_id as version', 'runs.id', 'runs.number', 'jobs.name as job', 'runs.state'])
    .where('triggers.version_id', 'in', [...versions])
    .orderBy('runs.id')
    .execute()
}
