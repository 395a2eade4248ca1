import { sql } from 'kysely'
import type { LaneId, ProjectId, RunId } from '#pipelines/ids.ts'
import { edgesOf } from '#pipelines/plan/edges.ts'
import { definitionIn, definitionOf } from '../catalog/definitions.ts'
import type { Db, Trx } from '../db/connect.ts'
import { transact, type Tx } from '../db/transact.ts'
import { mayStart, startsInOrder } from './chrono.ts'
import {
  atItsTurn,
  heldRuns,
  type HeldRun,
  type Hold,
  kindOf,
  lockHolds,
  oldestHeld,
  setHold,
} from './hold-rows.ts'
import { legsAtOnce, type RunRules } from './rules.ts'
import { isBound, releaseIntoRoom } from './wait-for-room.ts'

/**
 * What holds a run that is queued: its matrix, then its neighbours on the lane (`chrono`), then its group. It passes one after the
 * other; `hold_key` names the one before which it stands. A policy holds it when a runner would take it, and after all of these.
 *
 * Who is let on is decided last in a transaction, under one lock for each project: of two that change what holds runs, the second
 * one sees what the first one did. Rows of runs are locked before that lock, never while it is held (those that somebody else has
 * locked are passed over: he comes here, too), and marks after it. So nobody waits in a circle.
 */
type Held = Pick<RunRules, 'start' | 'group' | 'legsAtOnce'> & {
  readonly laneId: LaneId
  readonly batch: RunId | null
}

/** All that a run has to pass, in this order. */
function holdsOf({ start, group, legsAtOnce: atOnce, laneId, batch }: Held): Hold[] {
  const holds: Hold[] = []
  if (batch !== null && atOnce !== null)
    holds.push({ key: `batch:${batch}`, words: `waits for its turn in its matrix, ${atATime(atOnce)}` })
  if (start === 'chrono') holds.push({ key: laneKey(laneId), words: CHRONO })
  if (group) holds.push({ key: `group:${group.key}`, words: groupWords(group) })
  return holds
}

const laneKey = (lane: LaneId) => `lane:${lane}`
const CHRONO = 'waits for its turn (`start: chrono`): while it or a job next to it runs, it does not start'
const atATime = (limit: number) => (limit === 1 ? 'one at a time' : `${limit} at a time`)
const groupWords = ({ key, limit }: { key: string; limit: number }) =>
  `waits for its turn in \`${key.slice(key.indexOf('/') + 1)}\`, ${atATime(limit)}`

type Created = { readonly id: RunId; readonly projectId: ProjectId; readonly rules: RunRules } & Pick<
  Held,
  'laneId' | 'batch'
>

/** A new run stands before the first of its holds; before the transaction ends it is let on as far as it may go. */
export async function holdAtFirst(tx: Tx, { id, projectId, rules, laneId, batch }: Created): Promise<void> {
  const [hold] = holdsOf({ ...rules, laneId, batch })
  if (hold) await standBefore(tx, { id, projectId }, hold)
}

type Standing = { readonly id: RunId; readonly projectId: ProjectId }

async function standBefore(tx: Tx, { id, projectId }: Standing, hold: Hold): Promise<void> {
  await setHold(tx.db, id, hold)
  releaseAtEnd(tx, projectId, hold.key)
}

/** Something has ended, or stands aside: look, last in the transaction, who of those behind it may go on. */
const releaseAtEnd = (tx: Tx, project: ProjectId, key: string): void =>
  tx.atEnd(atItsTurn(key), () => release(tx, project, key))

type Leaving = {
  readonly job: string
  readonly lane_id: LaneId
  readonly project_id: ProjectId
  readonly batch_id: RunId | null
  readonly group_key: string | null
}

/** A run gives back what it held of others: its place in the matrix, on the lane, and in its group. */
export async function releaseBehind(tx: Tx, run: Leaving): Promise<void> {
  if (run.batch_id !== null) releaseAtEnd(tx, run.project_id, `batch:${run.batch_id}`)
  if (run.group_key !== null) releaseAtEnd(tx, run.project_id, `group:${run.group_key}`)
  const current = await definitionOf(tx.db, run.lane_id)
  const edges = current && edgesOf(current.definition)
  const besides = [run.job, ...(edges?.jobs.get(run.job)?.neighbours ?? [])]
  if (edges && besides.some((job) => startsInOrder(edges, job)))
    releaseAtEnd(tx, run.project_id, laneKey(run.lane_id))
}

async function release(tx: Tx, project: ProjectId, key: string): Promise<void> {
  if (isBound(key)) return releaseIntoRoom(tx, { key, project })
  await lockHolds(tx.db, project)
  if (kindOf(key) === 'lane') return releaseLane(tx, key)
  for (;;) {
    const run = await oldestHeld(tx.db, key)
    if (!run || (await placesTaken(tx.db, key)) >= (await limitOf(tx.db, run))) return
    await letOn(tx, run)
  }
}

async function releaseLane(tx: Tx, key: string): Promise<void> {
  for (const run of await firstOfEachJob(tx.db, key)) if (await mayStart(tx.db, run)) await letOn(tx, run)
}

/** The runs of one matrix come together. */
const firstOfEachJob = (db: Trx, key: string) =>
  heldRuns(db, key)
    .where(
      sql<boolean>`coalesce(runs.batch_id, runs.id) = (
        select min(coalesce(older.batch_id, older.id)) from runs older
        where older.hold_key = ${key} and older.state = 'queued' and older.job_id = runs.job_id)`,
    )
    .orderBy('runs.id')
    .execute()

/** A run that stands before a later hold has taken its place here; one that was lost keeps it. */
async function placesTaken(db: Trx, key: string): Promise<number> {
  const name = key.slice(key.indexOf(':') + 1)
  const [among, past] =
    kindOf(key) === 'batch'
      ? [sql<boolean>`batch_id = ${Number(name)}`, sql<boolean>`hold_key is distinct from ${key}`]
      : [
          sql<boolean>`group_key = ${name}`,
          sql<boolean>`(held is null or hold_key like 'policy:%' or hold_key like 'organization:%')`,
        ]
  const { taken } = await db
    .selectFrom('runs')
    .select((eb) => eb.fn.countAll<number>().as('taken'))
    .where(among)
    .where(sql<boolean>`(state in ('running', 'waiting') or state = 'queued' and ${past})`)
    .executeTakeFirstOrThrow()
  return taken
}

async function limitOf(db: Trx, run: HeldRun): Promise<number> {
  if (run.hold_key && kindOf(run.hold_key) === 'group') return run.group_limit ?? Infinity
  return (await legsOfRun(db, run)) ?? Infinity
}

async function legsOfRun(db: Trx, run: Pick<HeldRun, 'revision_id' | 'job'>): Promise<number | null> {
  const revision = await definitionIn(db, run.revision_id)
  return legsAtOnce(revision?.definition.jobs.find((job) => job.name === run.job)?.matrix ?? null)
}

async function letOn(tx: Tx, run: HeldRun): Promise<void> {
  const holds = holdsOf({
    start: run.start,
    group: run.group_key === null ? null : { key: run.group_key, limit: run.group_limit ?? 1 },
    legsAtOnce: run.batch_id === null ? null : await legsOfRun(tx.db, run),
    laneId: run.lane_id,
    batch: run.batch_id,
  })
  const next = holds[holds.findIndex((hold) => hold.key === run.hold_key) + 1]
  if (next) await standBefore(tx, { id: run.id, projectId: run.project_id }, next)
  else await setHold(tx.db, run.id, null)
  tx.emit({ kind: 'run.progressed', project: run.project, pipeline: run.pipeline, run: run.id })
}

type Chrono = Leaving & { readonly id: RunId }

/** A run that was let on, and beside which something has started since, stands aside again. */
export async function standAside(tx: Tx, run: Chrono): Promise<void> {
  await setHold(tx.db, run.id, { key: laneKey(run.lane_id), words: CHRONO })
  if (run.group_key !== null) releaseAtEnd(tx, run.project_id, `group:${run.group_key}`)
}

/** The safety net: should somebody have gone without a look at those behind him, they are looked at now. */
export async function releaseForgotten(db: Db): Promise<void> {
  const held = await db
    .selectFrom('runs')
    .innerJoin('jobs', 'jobs.id', 'runs.job_id')
    .innerJoin('pipelines', 'pipelines.id', 'jobs.pipeline_id')
    .select(['pipelines.project_id', 'runs.hold_key'])
    .distinct()
    .where('runs.state', '=', 'queued')
    .where('runs.hold_key', 'is not', null)
    .execute()
  for (const { project_id, hold_key } of held) {
    if (hold_key === null) continue
    await transact(db, async (tx) => releaseAtEnd(tx, project_id, hold_key))
  }
}
