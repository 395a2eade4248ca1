import { sql } from 'kysely'
import type { GateId, RunId } from '#pipelines/ids.ts'
import type { GateAct } from '#pipelines/plan/acts.ts'
import { isTrusted } from '#pipelines/plan/secrets-in.ts'
import { isFinal, type RunState } from '#pipelines/states.ts'
import { findProject } from '../catalog/queries.ts'
import type { Db } from '../db/connect.ts'
import { transact, type Tx } from '../db/transact.ts'
import { lockGate, pass } from '../gates/decide.ts'
import { fail } from '../gates/fail.ts'
import { theJob, theLane, thePipeline } from '../lines/the-place.ts'
import { Problem } from '../problem.ts'
import { causesOf } from '../runs/causes.ts'
import { placedRun } from '../runs/lock-run.ts'
import { startIn } from '../scheduler/start-by-hand.ts'

type Trigger = Extract<GateAct, { kind: 'trigger' }>
type Parent = NonNullable<Awaited<ReturnType<typeof parentOf>>>

/** A job starts a job starts a job: so often, and no more. */
const MOST_HOPS = 8
const AT_ONCE = 50

/** Start what gates are to start, and let go on what has waited for its end. @returns Whether there may be more. */
export async function triggerAll(db: Db): Promise<boolean> {
  const due = await db
    .selectFrom('gates')
    .innerJoin('acts', 'acts.gate_id', 'gates.id')
    .select(['gates.id', 'gates.run_id', 'acts.spec'])
    .where('gates.state', '=', 'waiting')
    .where('gates.kind', '=', 'trigger')
    .where('acts.due_at', 'is not', null)
    .orderBy('gates.id')
    .limit(AT_ONCE)
    .execute()
  for (const { id, run_id, spec } of due)
    if (spec.kind === 'trigger') await start(db, { gate: id, run: run_id, spec })
  for (const gate of await endedTriggers(db)) await transact(db, (tx) => settle(tx, gate))
  return due.length === AT_ONCE
}

type Due = { readonly gate: GateId; readonly run: RunId; readonly spec: Trigger }

async function start(db: Db, { gate, run, spec }: Due): Promise<void> {
  try {
    await create(db, { gate, run, spec })
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    const message = `${addressOf(spec)} was not started: ${error.detail}`
    await transact(db, async (tx) => {
      const at = await lockGate(tx.db, gate)
      if (at.gate.state !== 'waiting') return
      await fail(tx, at, { state: 'failed', error: { code: 'trigger_refused', message } })
    })
  }
}

/** @throws {Problem} When there is no such job, it may not be started from here, or cannot be started now. */
async function create(db: Db, { gate, run, spec }: Due): Promise<void> {
  const parent = await parentOf(db, run)
  if (!parent) return // it was deleted meanwhile
  const at = await targetOf(db, parent, spec)
  await refuseCircles(db, parent, at)
  const reason = `started by ${parent.project}/${parent.pipeline}/${parent.job}, run ${run}`
  await transact(db, async (tx) => {
    // of two servers that look at once, the second one finds it started
    const mine = await tx.db
      .updateTable('acts')
      .set({ due_at: null })
      .where('gate_id', '=', gate)
      .where('due_at', 'is not', null)
      .returning('gate_id')
      .executeTakeFirst()
    if (!mine) return
    const given = Object.keys(spec.inputs).length > 0 ? spec.inputs : null
    const first = await startIn(tx, at, null, { versions: new Map(), given, reason })
    await tx.db.insertInto('triggered').values({ run_id: first, gate_id: gate }).execute()
    const { project, pipeline } = parent
    tx.emit({ kind: 'run.progressed', project, pipeline, run })
  })
}

const parentOf = (db: Db, run: RunId) => placedRun(db, run).executeTakeFirst()

/** @throws {Problem} */
async function targetOf(db: Db, parent: Parent, spec: Trigger) {
  if (!isTrusted(parent.lane_kind))
    throw new Problem('not-allowed', 'a pull request starts no jobs of other pipelines')
  const own = await findProject(db, parent.project)
  const target = spec.project === null ? own : await findProject(db, spec.project)
  // what another organization has, nobody here is told
  if (!own || !target || target.organization_id !== own.organization_id)
    throw new Problem('project-not-found', `there is no project \`${spec.project}\` in this organization`)
  const pipeline = await thePipeline(db, target.name, spec.pipeline)
  const job = await theJob(db, pipeline, spec.job)
  const lane = await theLane(db, pipeline, spec.lane ?? parent.lane)
  if (!isTrusted(lane.kind))
    throw new Problem('not-allowed', `\`${lane.name}\` is a pull request’s, on which only it starts jobs`)
  return { job: job.id, lane: lane.id }
}

/** @throws {Problem} `not-allowed`. */
async function refuseCircles(
  db: Db,
  { id }: Parent,
  at: Awaited<ReturnType<typeof targetOf>>,
): Promise<void> {
  const causes = await causesOf(db, id)
  const same = causes.find(({ job, lane }) => job === at.job && lane === at.lane)
  if (same) throw new Problem('not-allowed', `that is a circle: it led to this run itself (run ${same.run})`)
  if (Math.max(...causes.map(({ hops }) => hops)) >= MOST_HOPS)
    throw new Problem('not-allowed', `more than ${MOST_HOPS} jobs started one another`)
}

/** Gates whose runs have all ended, or are not waited for. */
async function endedTriggers(db: Db): Promise<GateId[]> {
  const rows = await db
    .selectFrom('gates')
    .innerJoin('acts', 'acts.gate_id', 'gates.id')
    .innerJoin('triggered', 'triggered.gate_id', 'gates.id')
    .select('gates.id')
    .where('gates.state', '=', 'waiting')
    .where('gates.kind', '=', 'trigger')
    .where((eb) =>
      eb.or([
        eb(sql<boolean>`(acts.spec->>'wait')::boolean`, '=', false),
        eb.not(
          eb.exists(
            eb
              .selectFrom('runs')
              .select('runs.id')
              .where(sql<boolean>`(runs.id = triggered.run_id or runs.batch_id = triggered.run_id)`)
              .where('runs.retry_of', 'is', null)
              .where('runs.state', 'in', ['queued', 'running', 'waiting']),
          ),
        ),
      ]),
    )
    .execute()
  return rows.map(({ id }) => id)
}

async function settle(tx: Tx, id: GateId): Promise<void> {
  const at = await lockGate(tx.db, id)
  if (at.gate.state !== 'waiting') return // somebody was quicker
  const { spec } = await tx.db
    .selectFrom('acts')
    .select('spec')
    .where('gate_id', '=', id)
    .executeTakeFirstOrThrow()
  if (spec.kind !== 'trigger') return
  const runs = spec.wait ? await runsOf(tx, id) : []
  const worst =
    runs.find(isWorst('failed')) ?? runs.find(isWorst('errored')) ?? runs.find(isWorst('cancelled'))
  if (!worst) return pass(tx, at, { state: 'passed', answers: {} })
  const message = `${addressOf(spec)} ${WORDS[worst.state]} (run ${worst.id})`
  const state = worst.state === 'errored' ? 'errored' : 'failed'
  await fail(tx, at, { state, error: { code: 'triggered_run', message } })
}

type Ended = { readonly id: RunId; readonly state: RunState; readonly allow_failure: boolean }
const WORDS: Partial<Record<RunState, string>> = {
  failed: 'failed',
  errored: 'errored',
  cancelled: 'was cancelled',
}
/** What a job is allowed to fail in, it fails alone. */
const isWorst = (state: RunState) => (run: Ended) =>
  run.state === state && !(run.allow_failure && state !== 'cancelled')

const runsOf = async (tx: Tx, gate: GateId): Promise<Ended[]> =>
  (
    await tx.db
      .selectFrom('triggered')
      .innerJoin('runs', (join) =>
        join.on(sql<boolean>`(runs.id = triggered.run_id or runs.batch_id = triggered.run_id)`),
      )
      .select(['runs.id', 'runs.state', 'runs.allow_failure'])
      .where('triggered.gate_id', '=', gate)
      .where('runs.retry_of', 'is', null)
      .orderBy('runs.id')
      .execute()
  ).filter(({ state }) => isFinal(state))

const addressOf = ({ project, pipeline, job }: Trigger) =>
  [project, pipeline, job].filter((part) => part !== null).join('/')
