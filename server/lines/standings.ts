import { sql } from 'kysely'
import type { JobId, LaneId, PipelineId, RunId, VersionId } from '#pipelines/ids.ts'
import type { Pipeline } from '#pipelines/language/pipeline.ts'
import { edgesOf, type JobEdges } from '#pipelines/plan/edges.ts'
import type { EndingFact, Facts, How, NeedFact, VersionFact } from '#pipelines/plan/facts.ts'
import { pausedWords } from '../catalog/pauses.ts'
import type { Db } from '../db/connect.ts'
import { endedLike, newestEnded, newestOfJob, ofJobOnLane } from '../db/newest-of.ts'
import { newestRuns } from '../runs/newest-runs.ts'
import { heldByRun } from '../runs/versions-held.ts'
import { waitsFor } from '../runs/waits-for.ts'
import type { NewestVersions } from './newest-versions.ts'

/** How a job stands on a lane: as much as tells what it waits for. */
export type Standing = {
  readonly facts: Pick<Facts, 'job' | 'paused' | 'inputs' | 'needs' | 'taken'>
  readonly last: NeedFact['newest']
  /** What holds its newest run, while that is queued. */
  readonly held: string | null
  /** What its gathered triggers wait for. */
  readonly gathered: string | null
  /** Why nothing came of the newest trigger since its last run. */
  readonly unrun: string | null
}

type Row = {
  readonly id: JobId
  readonly name: string
  readonly paused: string | null
  readonly held: string | null
  readonly taken: RunId | null
  readonly versions: Readonly<Record<string, VersionFact>> | null
  readonly upstreams: Readonly<Record<string, RunId>>
  readonly gathered: string | null
  readonly unrun: string | null
}
type At = {
  readonly pipeline: PipelineId
  readonly lane: LaneId
  readonly definition: Pipeline
  readonly newest: NewestVersions
}

/** How every job of a line stands: a few index probes a job, however long its history. */
export async function standingsOf(db: Db, at: At): Promise<ReadonlyMap<string, Standing>> {
  const rows = await rowsOf(db, at.pipeline, at.lane)
  const ids = rows.map((row) => row.id)
  const runs = await newestRuns(db, ids, at.lane)
  const ends = await endsOf(db, ids, at)
  const edges = edgesOf(at.definition)
  const byName = new Map(rows.map((row) => [row.name, row]))
  const around = { newest: at.newest, runs, ends, byName }
  return new Map(
    rows.flatMap((row) => {
      const job = edges.jobs.get(row.name)
      return job ? [[row.name, standingOf(row, job, around)]] : []
    }),
  )
}

async function rowsOf(db: Db, pipeline: PipelineId, lane: LaneId): Promise<readonly Row[]> {
  const { rows } = await sql<Row>`
    select jobs.id, jobs.name,
      ${pausedWords} as paused,
      ${waitsFor('last')} as held,
      taken.id as taken,
      case when taken.id is not null then ${heldByRun(sql.ref('taken.id'))}::jsonb end as versions,
      (select coalesce(json_object_agg(upstream.name, run_needs.upstream_id), '{}')::jsonb
       from run_needs join jobs upstream on upstream.id = run_needs.job_id where run_needs.run_id = taken.id) as upstreams,
      (select reason from triggers where job_id = jobs.id and lane_id = ${lane} and fate = 'gathered'
         and fate in ('new', 'gathered') order by id desc limit 1) as gathered,
      case when told.fate = 'no-run' and (last.id is null or told.settled_at >= last.created_at) then told.reason end as unrun
    from jobs
    join pipelines on pipelines.id = jobs.pipeline_id
    left join lateral (
      select id, job_id, state, held, created_at, attempt, attempts_most, again, not_before, runs_on from runs where ${ofJobOnLane(sql`jobs.id`, lane)}
      order by ${newestOfJob} limit 1
    ) last on true
    left join lateral (
      select id from runs where ${ofJobOnLane(sql`jobs.id`, lane)} and advances order by ${newestOfJob} limit 1
    ) taken on true
    left join lateral (
      select fate, reason, settled_at from triggers where ${ofJobOnLane(sql`jobs.id`, lane)}
      order by ${newestOfJob} limit 1
    ) told on true
    where jobs.pipeline_id = ${pipeline}`.execute(db)
  return rows
}

type End = { readonly job: JobId; readonly how: How; readonly run: RunId; readonly version: VersionId | null }

/** How jobs ended: the newest ending of each kind, and which of the newest versions they ever passed. */
async function endsOf(db: Db, jobs: readonly JobId[], { lane, newest }: At): Promise<readonly End[]> {
  const versions = [...newest.values()].map((version) => version.id)
  const { rows } = await sql<End>`
    select asked.job, hows.how, ended.run_id as run, null::bigint as version
    from unnest(${jobs}::bigint[]) as asked(job)
    cross join unnest('{success,failure,other}'::text[]) as hows(how)
    cross join lateral (
      select run_id from endings where ${endedLike(sql`asked.job`, lane, sql`hows.how`)}
      order by ${newestEnded} limit 1
    ) ended
    union all
    select asked.job, 'success', ended.run_id, wanted.version
    from unnest(${jobs}::bigint[]) as asked(job)
    cross join unnest(${versions}::bigint[]) as wanted(version)
    cross join lateral (
      select endings.run_id from ending_versions join endings on endings.id = ending_versions.ending_id
      where ending_versions.job_id = asked.job and ending_versions.lane_id = ${lane}
        and ending_versions.version_id = wanted.version and endings.how = 'success'
      order by ending_versions.ending_id desc limit 1
    ) ended`.execute(db)
  return rows
}

type Around = {
  readonly newest: NewestVersions
  readonly runs: Awaited<ReturnType<typeof newestRuns>>
  readonly ends: readonly End[]
  readonly byName: ReadonlyMap<string, Row>
}

function standingOf(row: Row, { job, inputs, needs }: JobEdges, around: Around): Standing {
  const { newest, runs, byName } = around
  return {
    facts: {
      job,
      paused: row.paused,
      inputs: inputs.map((input) => ({ ...input, pin: null, newest: newest.get(input.resource) ?? null })),
      needs: needs.map((need) => {
        const upstream = byName.get(need.job)
        return {
          ...need,
          newest: (upstream && runs.get(upstream.id)) ?? null,
          paused: upstream?.paused ?? null,
          endings: upstream ? endingsOf(upstream.id, around) : [],
        }
      }),
      taken: takenOf(row),
    },
    last: runs.get(row.id) ?? null,
    held: row.held,
    gathered: row.gathered,
    unrun: row.unrun,
  }
}

const takenOf = ({ taken, versions, upstreams }: Row): Facts['taken'] =>
  taken === null
    ? null
    : {
        run: taken,
        seqs: Object.fromEntries(Object.entries(versions ?? {}).map(([name, { seq }]) => [name, seq])),
        runs: upstreams,
      }

/** The newest versions that a job passed, and its newest run, each as an ending of its own: more is not asked of them here. */
function endingsOf(job: JobId, { ends, newest, runs }: Around): EndingFact[] {
  const last = runs.get(job)
  const ofRun = last?.how ? [{ id: last.run, run: last.run, how: last.how, versions: last.versions }] : []
  const passed = ends.flatMap(({ job: of, how, run, version }) => {
    if (of !== job) return []
    const held = [...newest].filter(([, { id }]) => id === version)
    return [{ id: run, run, how, versions: Object.fromEntries(held) }]
  })
  return [...ofRun, ...passed].map((ending) => ({ ...ending, id: ending.id as number as EndingFact['id'] }))
}
