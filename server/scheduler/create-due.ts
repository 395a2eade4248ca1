import type { ResourceId, RunId, UserId } from '#pipelines/ids.ts'
import { DIALECT, type DueRun, type Facts } from '#pipelines/plan/facts.ts'
import type { Trx } from '../db/connect.ts'
import { toJson } from '../db/to-json.ts'
import type { Tx } from '../db/transact.ts'
import { createLegs } from '../runs/create-legs.ts'
import { createRun, type NewRun } from '../runs/create-run.ts'
import { moveRun } from '../runs/move.ts'
import { rulesOf } from '../runs/rules.ts'
import { supersede } from '../runs/supersede.ts'
import type { Place } from './place.ts'

type Due = { readonly facts: Facts; readonly due: DueRun }
export type Person = { readonly id: UserId; readonly name: string }

/** A run that the planner finds due: one for each leg of a matrix; or passed through, which supersedes nothing. */
export async function createDue(tx: Tx, place: Place, { facts, due }: Due): Promise<RunId> {
  const run = newRun(place, due)
  if (due.skip !== null) {
    const passed = await createRun(tx, { ...run, reason: due.skip, rules: { ...run.rules, ...UNHELD } })
    await keepFacts(tx.db, passed, facts)
    await moveRun(tx, passed, { move: 'skip' })
    return passed
  }
  const first = await createLegs(tx, place.edges.job.matrix, run)
  if (due.advances) await supersede(tx, place, { lane: place.lane, job: place.edges.job, run: first })
  await keepFacts(tx.db, first, facts)
  return first
}

/** What was known when a run was decided on: a puzzling one can be decided again. */
export const keepFacts = (db: Trx, run: RunId, facts: Facts) =>
  db
    .insertInto('run_facts')
    .values({ run_id: run, facts: toJson(facts), dialect: DIALECT })
    .execute()

/** What is passed through takes nobody's place, and asks nobody. */
const UNHELD = { start: 'settled', group: null, gate: null } as const

/** The planner's answer as a run to be created. */
export const newRun = (place: Place, due: DueRun): NewRun => ({
  projectId: place.projectId,
  project: place.project,
  pipeline: place.pipeline,
  lane: place.lane.name,
  job: place.edges.job.name,
  jobId: place.jobId,
  laneId: place.laneId,
  revisionId: place.revisionId,
  reason: due.reason,
  advances: due.advances,
  retryOf: null,
  createdBy: null,
  inputs: due.inputs.map((input) => ({
    resourceId: resourceId(place, input.resource),
    versionId: input.version.id,
    via: input.via,
  })),
  upstreams: due.upstreams.flatMap(({ job, run }) => {
    const jobId = place.jobs.get(job)?.id
    return jobId === undefined ? [] : [{ jobId, runId: run }]
  }),
  rules: rulesOf(place, place.edges.job, due.start),
  leg: null,
  given: null,
})

function resourceId(place: Place, name: string): ResourceId {
  const id = place.resources.get(name)
  if (id === undefined) throw new Error(`the resource ${name} has no row`)
  return id
}
