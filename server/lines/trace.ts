import type { z } from 'zod'
import type { JobId, LaneId, ProjectId, ResourceId, RunId, VersionId } from '#pipelines/ids.ts'
import { definitionOf } from '../catalog/definitions.ts'
import type { Db } from '../db/connect.ts'
import { versionWords } from '../runs/queries.ts'
import { decree } from './decisions.ts'
import { environmentsOf } from './environments-of.ts'
import { cameOf, type FoundVersion, otherLanes, versionsCalled } from './find-versions.ts'
import { type LinkRow, linksOf, newestLegs, toChainRun } from './chain.ts'
import { type Line, reachOf, type Runs, type Spot } from './reached.ts'
import type { Trace } from './shapes.ts'

type Traced = z.output<typeof Trace>

/**
 * How far a version of a project got: every job's newest run with it or with what came of it, and the environments that have it.
 *
 * @throws {Problem} `version-not-found` or `version-ambiguous`.
 */
export async function traceVersion(db: Db, project: ProjectId, beginning: string): Promise<Traced> {
  const found = await versionsCalled(db, project, beginning)
  const came = await cameOf(
    db,
    found.map(({ id }) => id),
  )
  const versions = [...found, ...came].map(({ id }) => id)
  const spots = await spotsOf(db, await linesOf(db, found, came), versions)
  const ids = spots.flatMap(({ ended, green, open }) => [ended, green, open].filter((id) => id !== null))
  const links = await linksOf(db, [...new Set(ids)])
  const batches = [...new Set(links.flatMap(({ batch }) => batch ?? []))]
  const legs = Map.groupBy(await linksOf(db, await newestLegs(db, batches)), ({ batch }) => batch)
  const runs: Runs = new Map(links.map((run) => [run.id, run]))
  const newest = await newestAt(db, found)
  const [first] = found
  const words = first && versionWords(first.body)
  return {
    version: first?.name ?? beginning,
    title: words?.title ?? null,
    author: words?.author ?? null,
    environments: await environmentsOf(db, { project, versions, spots, runs }),
    lines: [...Map.groupBy(spots, ({ line }) => line)].flatMap(([line, own]) =>
      toLine(line, { spots: own, runs, legs, newest }),
    ),
  }
}

const MOST_LINES = 50

/** The lanes that it was pushed to, those of what came of it, and for what every lane reads those that read it last. */
async function linesOf(
  db: Db,
  found: readonly FoundVersion[],
  came: Awaited<ReturnType<typeof cameOf>>,
): Promise<Line[]> {
  const own = found.map((version) => ({ ...version, version }))
  const later = came.flatMap((row) => {
    const version = found.find((each) => each.pipeline_id === row.pipeline_id) ?? found[0]
    return version ? [{ ...row, version }] : []
  })
  const readers = found
    .filter(({ foreign }) => foreign)
    .map(async (version) =>
      (await otherLanes(db, version.pipeline_id, version.lane_id)).map((row) => ({ ...row, version })),
    )
  const all = [...own, ...later, ...(await Promise.all(readers)).flat()]
  const lines = new Map<LaneId, Line>()
  for (const { pipeline, pipeline_id: pipelineId, lane, lane_id: laneId, version } of all)
    if (!lines.has(laneId) && lines.size < MOST_LINES)
      lines.set(laneId, { pipeline, pipelineId, lane, laneId, version })
  return [...lines.values()]
}

/** The jobs of each line in the order of its file, with how far the versions got in each. */
async function spotsOf(db: Db, lines: readonly Line[], versions: readonly VersionId[]): Promise<Spot[]> {
  const rows = await db
    .selectFrom('jobs')
    .select(['id', 'name', 'pipeline_id'])
    .where('pipeline_id', 'in', [...new Set(lines.map(({ pipelineId }) => pipelineId))])
    .execute()
  const jobs = await Promise.all(
    lines.map(async (line) => {
      const current = await definitionOf(db, line.laneId)
      return (current?.definition.jobs ?? []).flatMap(({ name }) => {
        const row = rows.find((each) => each.pipeline_id === line.pipelineId && each.name === name)
        return row ? [{ line, name, job: row.id, lane: line.laneId }] : []
      })
    }),
  )
  const reach = await reachOf(db, jobs.flat(), versions)
  const key = (job: JobId, lane: LaneId) => `${job} ${lane}`
  const bySpot = new Map(reach.map((row) => [key(row.job, row.lane), row]))
  return jobs.flat().flatMap(({ line, name, job, lane }) => {
    const row = bySpot.get(key(job, lane))
    return row ? [{ ...row, line, name }] : []
  })
}

/** The newest version of each resource on each of the lanes. */
async function newestAt(db: Db, found: readonly FoundVersion[]): Promise<ReadonlySet<VersionId>> {
  const newest = await Promise.all(
    found.map(({ resource_id, lane_id }) => newestVersion(db, resource_id, lane_id)),
  )
  return new Set(newest.flatMap((row) => (row ? [row.id] : [])))
}

const newestVersion = (db: Db, resource: ResourceId, lane: LaneId) =>
  db
    .selectFrom('versions')
    .select('id')
    .where('resource_id', '=', resource)
    .where('lane_id', '=', lane)
    .where('disabled_at', 'is', null)
    .where('left_at', 'is', null)
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst()

type Seen = {
  readonly spots: readonly Spot[]
  readonly runs: Runs
  /** By the first run of their matrix. */
  readonly legs: ReadonlyMap<RunId | null, readonly LinkRow[]>
  readonly newest: ReadonlySet<VersionId>
}

/** @returns Nothing for a lane that the version is none of and that no run took it to. */
function toLine(line: Line, seen: Seen): Traced['lines'] {
  const { version, pipeline, lane } = line
  const jobs = seen.spots.map((spot) => ({ job: spot.name, ...newestRun(spot, seen) }))
  if (version.lane_id !== line.laneId && jobs.every(({ run }) => run === null)) return []
  return [
    {
      pipeline,
      lane,
      resource: version.resource,
      recorded_at: version.created_at.toISOString(),
      newest: seen.newest.has(version.id),
      left: version.left_at !== null,
      disabled: decree(version.disabled_by, version.disabled_reason, version.disabled_at),
      jobs,
    },
  ]
}

/** A job's newest run with the version, and where that is of a matrix, the newest of every leg. */
function newestRun(
  { ended, open }: Spot,
  { runs, legs }: Seen,
): Omit<Traced['lines'][number]['jobs'][number], 'job'> {
  const run = runs.get(Math.max(ended ?? 0, open ?? 0) as RunId)
  if (!run) return { run: null, legs: [] }
  return { run: toChainRun(run), legs: (legs.get(run.batch) ?? []).map(toChainRun) }
}
