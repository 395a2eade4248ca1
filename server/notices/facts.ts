import { sql } from 'kysely'
import type { GateId, RunId } from '#pipelines/ids.ts'
import type { NoticeKind } from '#pipelines/language/pipeline.ts'
import type { TaktEvent } from '#pipelines/wire/events.ts'
import type { Trx } from '../db/connect.ts'
import { versionWords } from '../runs/queries.ts'
import { ofCheck, ofLateRun, ofSchedule } from './alerts.ts'
import { type Happening, namesIn, NOTHING, placeIn, PLACES, WHERE, type Where } from './happening.ts'
import { ofPull } from './pull-asked.ts'

/** What an event says that could be told; nothing where it is nothing, or what it speaks of is gone. */
export async function happeningsOf(db: Trx, event: TaktEvent): Promise<readonly Happening[]> {
  const one = (found: Happening | null) => (found ? [found] : [])
  switch (event.kind) {
    case 'run.moved':
      return ['succeeded', 'failed', 'errored'].includes(event.to) ? one(await ofRun(db, event.run)) : []
    case 'run.late':
      return one(await ofLateRun(db, event.run))
    case 'gate.opened':
      return one(await ofGate(db, event.gate))
    case 'pull.moved':
      return event.state === 'waiting' ? ofPull(db, event) : []
    case 'revision.synced':
      return event.valid ? [] : one(await ofFile(db, event))
    case 'resource.checked':
      return one(await ofCheck(db, event))
    case 'schedule.missed':
      return one(await ofSchedule(db, event))
    default:
      return []
  }
}

type RunRow = {
  readonly state: string
  readonly allowed: boolean
  readonly number: number
  readonly job: string
  readonly error: { readonly message: string } | null
  readonly before: string | null
}

async function ofRun(db: Trx, id: RunId): Promise<Happening | null> {
  const { rows } = await sql<RunRow & Where>`
    select runs.state, runs.allow_failure as allowed, runs.number, jobs.name as job, runs.error, ${WHERE},
      (select older.state from runs older
        where older.job_id = runs.job_id and older.lane_id = runs.lane_id and older.id < runs.id
          and older.matrix is not distinct from runs.matrix and older.state in ('succeeded', 'failed', 'errored')
        order by older.id desc limit 1) as before
    from runs join jobs on jobs.id = runs.job_id join lanes on lanes.id = runs.lane_id ${PLACES}
    where runs.id = ${id}`.execute(db)
  const [run] = rows
  if (!run) return null
  const kinds = kindsOf(run)
  if (kinds.length === 0) return null
  const words = kinds[0] === 'fixed' ? 'is fixed' : run.state
  return {
    ...placeIn(run),
    kinds,
    facts: {
      ...namesIn(run),
      ...(await versionOf(db, id)),
      ...{ job: run.job, number: String(run.number), words, url: `/runs/${id}` },
      reason: run.state === 'succeeded' ? '' : (run.error?.message ?? ''),
    },
  }
}

function kindsOf({ state, allowed, before }: RunRow): NoticeKind[] {
  if (state !== 'succeeded') return allowed && state === 'failed' ? [] : ['failure']
  return before === 'failed' || before === 'errored' ? ['fixed', 'success'] : ['success']
}

/** What the run is about, for people: its first version that is a commit, else its first. */
async function versionOf(db: Trx, run: RunId): Promise<{ title: string; version: string }> {
  const rows = await db
    .selectFrom('run_inputs')
    .innerJoin('versions', 'versions.id', 'run_inputs.version_id')
    .select(['versions.name', 'versions.body'])
    .where('run_inputs.run_id', '=', run)
    .orderBy('run_inputs.position')
    .limit(20)
    .execute()
  const row = rows.find(({ body }) => 'message' in body) ?? rows[0]
  if (!row) return { title: '', version: '' }
  return { title: versionWords(row.body).title?.slice(0, 200) ?? '', version: row.name }
}

async function ofGate(db: Trx, id: GateId): Promise<Happening | null> {
  const { rows } = await sql<
    { run: RunId; number: number; job: string; message: string | null; name: string } & Where
  >`
    select runs.id as run, runs.number, jobs.name as job, gates.message, gates.name, ${WHERE}
    from gates join runs on runs.id = gates.run_id join jobs on jobs.id = runs.job_id
      join lanes on lanes.id = runs.lane_id ${PLACES}
    where gates.id = ${id} and gates.kind = 'approve' and gates.state = 'waiting'`.execute(db)
  const [gate] = rows
  if (!gate) return null
  return {
    ...placeIn(gate),
    kinds: ['approval'],
    facts: {
      ...namesIn(gate),
      ...(await versionOf(db, gate.run)),
      ...{
        job: gate.job,
        number: String(gate.number),
        words: 'waits for approval',
        url: `/runs/${gate.run}`,
      },
      reason: gate.message ?? '',
    },
  }
}

type Synced = Extract<TaktEvent, { kind: 'revision.synced' }>

async function ofFile(db: Trx, { project, pipeline, lane, revision }: Synced): Promise<Happening | null> {
  const { rows } = await sql<{ sha: string; first: string | null } & Where>`
    select revisions.sha, revisions.diagnostics -> 0 ->> 'message' as first, ${WHERE}
    from revisions join lanes on lanes.pipeline_id = revisions.pipeline_id and lanes.name = ${lane} ${PLACES}
    where revisions.id = ${revision}`.execute(db)
  const [row] = rows
  if (!row) return null
  const words = 'has a pipeline file that cannot be used'
  const url = `/p/${encodeURIComponent(project)}/${encodeURIComponent(pipeline)}?lane=${encodeURIComponent(lane)}`
  return {
    ...placeIn(row),
    kinds: ['alert'],
    facts: { ...namesIn(row), ...NOTHING, words, reason: row.first ?? '', version: row.sha, url },
  }
}
