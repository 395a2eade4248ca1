import { sql } from 'kysely'
import type { z } from 'zod'
import type { GateId, RunId } from '#pipelines/ids.ts'
import type { GateState } from '#pipelines/states.ts'
import { mayIn } from '../access/grants.ts'
import type { Db } from '../db/connect.ts'
import { versionWords } from '../runs/queries.ts'
import { actsAt } from './find-acts.ts'
import { type Decider, standingAt } from './may-decide.ts'
import type { Gate } from './shapes.ts'

type Shown = z.output<typeof Gate>
export type GateFilter = {
  readonly id?: GateId | undefined
  readonly run?: RunId | undefined
  readonly project?: string | undefined
  readonly state?: GateState | undefined
  readonly before?: GateId | undefined
  readonly limit: number
}
/** Who asks: what they see, and who they are where they are somebody. */
export type Asker = Pick<Decider, 'access'> & { readonly who: Decider | null }

/** Gates that somebody sees, newest first, each with whether they may decide there. */
export async function findGates(db: Db, filter: GateFilter, asker: Asker): Promise<Shown[]> {
  const rows = await gateRows(db, filter, asker)
  const decisions = await decisionsAt(
    db,
    rows.map((row) => row.id),
  )
  const acts = await actsAt(
    db,
    rows.map((row) => row.id),
    asker.access,
  )
  const before = await passedBefore(
    db,
    rows.map((row) => row.id),
  )
  const runs = [...rows.map((row) => row.run_id), ...[...before.values()].map(({ run }) => run)]
  const inputs = await inputsOf(db, runs)
  const shown: Shown[] = []
  for (const row of rows) {
    const { run_id, deciders, answers, over: _over, ...gate } = row
    const last = before.get(row.id)
    shown.push({
      ...gate,
      run: run_id,
      form: [...row.form],
      by: deciders,
      values: answers,
      act: acts.get(row.id) ?? null,
      decisions: decisions.filter(({ gate_id }) => gate_id === row.id).map(({ gate_id, ...said }) => said),
      inputs: inputs.get(run_id) ?? [],
      passed_before: last ? { ...last, inputs: inputs.get(last.run) ?? [] } : null,
      ...(await toAsker(db, { row, decisions }, asker)),
      opened_at: row.opened_at.toISOString(),
      expires_at: row.expires_at?.toISOString() ?? null,
      closed_at: row.closed_at?.toISOString() ?? null,
    })
  }
  return shown
}

/** What the asker may do there, and what a policy warns of beforehand, should they do it. */
async function toAsker(
  db: Db,
  { row, decisions }: { row: Row; decisions: readonly DecisionRow[] },
  { who }: Asker,
): Promise<Pick<Shown, 'refusal' | 'warning'>> {
  if (row.state !== 'waiting') return { refusal: null, warning: null }
  if (row.over) return { refusal: 'its time is over', warning: null }
  const own = decisions.some(({ gate_id, by }) => gate_id === row.id && by === who?.name)
  if (own) return { refusal: 'you have approved; it waits for others', warning: null }
  const { refusal, warned } = await standingAt(db, row, who)
  return { refusal, warning: warned?.beforehand ?? null }
}

type Row = Awaited<ReturnType<typeof gateRows>>[number]

function gateRows(db: Db, { id, run, project, state, before, limit }: GateFilter, { access }: Asker) {
  let gates = db
    .selectFrom('gates')
    .innerJoin('runs', 'runs.id', 'gates.run_id')
    .innerJoin('jobs', 'jobs.id', 'runs.job_id')
    .innerJoin('lanes', 'lanes.id', 'runs.lane_id')
    .innerJoin('pipelines', 'pipelines.id', 'jobs.pipeline_id')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .select(['gates.id', 'gates.run_id', 'gates.name', 'gates.kind', 'gates.state', 'gates.words'])
    .select(['gates.message', 'gates.form', 'gates.deciders', 'gates.count', 'gates.author', 'gates.answers'])
    .select(['gates.opened_at', 'gates.expires_at', 'gates.on_expire', 'gates.closed_at'])
    .select(['runs.number', 'jobs.name as job', 'lanes.name as lane', 'pipelines.name as pipeline'])
    .select('projects.name as project')
    .select(lastStepBefore)
    .select(sql<boolean>`coalesce(gates.expires_at <= clock_timestamp(), false)`.as('over'))
    .where(mayIn(access, 'viewer'))
  if (id !== undefined) gates = gates.where('gates.id', '=', id)
  if (run !== undefined) gates = gates.where('gates.run_id', '=', run)
  if (project !== undefined) gates = gates.where('projects.name', '=', project)
  if (state !== undefined) gates = gates.where('gates.state', '=', state)
  if (before !== undefined) gates = gates.where('gates.id', '<', before)
  return gates.orderBy('gates.id', 'desc').limit(limit).execute()
}

/** A runner that came to a gate has handed over behind its last step; at the gates right behind that one nothing was done. */
const lastStepBefore = sql<number | null>`(
  select max(handovers.last_step) from handovers where handovers.run_id = gates.run_id
    and handovers.checkpoint is null and handovers.carried is not null and handovers.position <= gates.step)`.as(
  'after_step',
)

type DecisionRow = Shown['decisions'][number] & { readonly gate_id: GateId }

async function decisionsAt(db: Db, gates: readonly GateId[]): Promise<DecisionRow[]> {
  if (gates.length === 0) return []
  const rows = await db
    .selectFrom('gate_decisions')
    .select(['gate_id', 'by_name as by', 'verdict', 'comment', 'at'])
    .where('gate_id', 'in', [...gates])
    .orderBy('at')
    .orderBy('user_id')
    .execute()
  return rows.map(({ at, ...row }) => ({ ...row, at: at.toISOString() }))
}

type Before = { readonly run: RunId; readonly number: number; readonly at: string }

/** For each gate the run that passed it last, before the gate was opened: of the same job on the same lane. */
async function passedBefore(db: Db, gates: readonly GateId[]): Promise<ReadonlyMap<GateId, Before>> {
  if (gates.length === 0) return new Map()
  const { rows } = await sql<{ gate: GateId; run: RunId; number: number; at: Date }>`
    select gates.id as gate, last.run, last.number, last.at
    from gates join runs on runs.id = gates.run_id cross join lateral (
      select older.id as run, older.number, passed.closed_at as at
      from runs older join gates passed on passed.run_id = older.id
      where older.job_id = runs.job_id and older.lane_id = runs.lane_id and older.id < runs.id
        and passed.step = gates.step and passed.state in ('approved', 'passed')
      order by older.id desc limit 1
    ) last
    where gates.id = any(${[...gates]}::bigint[])`.execute(db)
  return new Map(rows.map(({ gate, at, ...row }) => [gate, { ...row, at: at.toISOString() }]))
}

async function inputsOf(db: Db, runs: readonly RunId[]): Promise<ReadonlyMap<RunId, Shown['inputs']>> {
  if (runs.length === 0) return new Map()
  const rows = await db
    .selectFrom('run_inputs')
    .innerJoin('resources', 'resources.id', 'run_inputs.resource_id')
    .innerJoin('versions', 'versions.id', 'run_inputs.version_id')
    .select(['run_inputs.run_id', 'resources.name as resource', 'versions.name as version', 'versions.body'])
    .where('run_inputs.run_id', 'in', [...runs])
    .orderBy('run_inputs.position')
    .execute()
  return Map.groupBy(
    rows.map(({ run_id, resource, version, body }) => ({
      run_id,
      ...{ resource, version, title: versionWords(body).title },
    })),
    ({ run_id }) => run_id,
  )
}
