import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { RunId, RunnerId } from '#pipelines/ids.ts'
import { offersOf } from '#pipelines/labels.ts'
import type { RunState } from '#pipelines/states.ts'
import type { Plan } from '#pipelines/wire/plan.ts'
import type { Db } from '../../server/db/connect.ts'
import { transact } from '../../server/db/transact.ts'
import { claimRun } from '../../server/runs/claim.ts'
import { NO_STORES } from '../../server/secrets/stores/stores.ts'
import { moveRun } from '../../server/runs/move.ts'
import { hostedProject } from './repository.ts'
import { startHouse } from './server.ts'
import { someKeys } from './keys.ts'
import { until } from './until.ts'

export type SteeredRun = {
  readonly id: RunId
  readonly job: string
  readonly lane: string
  readonly state: RunState
  readonly held: string | null
  readonly reason: string
  readonly cancel: string | null
  readonly matrix: Record<string, string> | null
  /** `src a1b2c3d`, in declaration order. */
  readonly inputs: readonly string[]
}
export type SteeredTrigger = {
  readonly job: string
  readonly kind: string
  readonly edge: string
  readonly fate: string
  readonly reason: string | null
}

/** Runs in the hands of the test: no runner takes them, and each ends as the test says. */
export function steer(db: Db) {
  /** Everything that happened has been looked at. */
  const quiet = () =>
    until(async () => {
      const { rows } = await sql<{ busy: boolean }>`
        select exists (select from deliveries where state = 'received')
            or exists (select from dirty_jobs where requested > served)
            or exists (select from ends_to_tell)
            or exists (select from followed_jobs where looks_left > 0 and look_at <= now()) as busy`.execute(
        db,
      )
      return !rows[0]!.busy
    })
  const runs = async (job?: string): Promise<readonly SteeredRun[]> => {
    await quiet()
    const { rows } = await sql<SteeredRun>`
      select runs.id, jobs.name as job, lanes.name as lane, runs.state, runs.held, runs.reason,
        runs.cancel_reason as cancel, runs.matrix,
        array(select resources.name || ' ' || left(versions.name, 7) from run_inputs
          join resources on resources.id = run_inputs.resource_id join versions on versions.id = run_inputs.version_id
          where run_inputs.run_id = runs.id order by position) as inputs
      from runs join jobs on jobs.id = runs.job_id join lanes on lanes.id = runs.lane_id
      order by runs.id`.execute(db)
    return rows.filter((run) => job === undefined || run.job === job)
  }
  const triggers = async (job: string): Promise<readonly SteeredTrigger[]> => {
    await quiet()
    const { rows } = await sql<SteeredTrigger>`
      select jobs.name as job, triggers.kind, triggers.edge, triggers.fate, triggers.reason
      from triggers join jobs on jobs.id = triggers.job_id where jobs.name = ${job} order by triggers.id`.execute(
      db,
    )
    return rows
  }
  /** Take the run that is due first, as a runner would. @returns Its job, id and lease, or null when none is due. */
  const claim = async (
    labels: Record<string, string> = {},
  ): Promise<{ id: RunId; job: string; lease: string; plan: Plan } | null> => {
    const lease = { runner: await runnerOf(db, labels), token: randomUUID(), leaseMs: 600_000 }
    const plan = await claimRun(db, lease, {
      checkoutOf: () => ({ url: 'https://example.org/x', credential: null }),
      keys: await someKeys(),
      stores: NO_STORES,
      issuer: () => 'https://takt.example',
    })
    return plan && { id: plan.run, job: plan.job, lease: lease.token, plan }
  }
  /** The newest run of a job starts, if it has not, and ends like this; and what comes of that has come. */
  const end = async (
    job: string,
    move: 'succeed' | 'fail' | 'cancel',
    which: number = -1,
  ): Promise<RunId> => {
    const run = (await runs(job)).at(which)
    if (!run) throw new Error(`${job} has no run`)
    await endRun(run.id, move)
    await quiet()
    return run.id
  }
  const endRun = async (id: RunId, move: 'succeed' | 'fail' | 'cancel') => {
    const runner = await runnerOf(db)
    await transact(db, async (tx) => {
      const { state } = await tx.db
        .selectFrom('runs')
        .select('state')
        .where('id', '=', id)
        .executeTakeFirstOrThrow()
      const lease = { runner, token: randomUUID(), leaseMs: 600_000 }
      if (state === 'queued') await moveRun(tx, id, { move: 'start', lease })
      await moveRun(tx, id, move === 'fail' ? { move, error: null } : { move })
    })
  }
  return { quiet, runs, triggers, claim, end, endRun }
}

/** A house with one hosted project, whose pipeline is this file; nobody runs anything but the test. */
export async function steeredLine(file: string, env: Record<string, string> = {}) {
  const stack = new AsyncDisposableStack()
  const house = stack.use(await startHouse(env))
  const clone = stack.use(await hostedProject(house, 'shop'))
  const steered = steer(house.db)
  let pushed = 0
  /** @returns The beginning of the commit's hash, when all that it starts has been looked at. */
  const push = async (files: Record<string, string> = {}, branch = 'main') => {
    const sha = await clone.push({ '.takt.yml': file, count: String(pushed++), ...files }, { branch })
    await steered.quiet()
    return sha.slice(0, 7)
  }
  return { house, clone, push, ...steered, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

export async function runnerOf(db: Db, labels: Record<string, string> = {}): Promise<RunnerId> {
  const row = await db
    .insertInto('runners')
    .values({
      name: 'steered',
      engine: 'scripted',
      isolated: false,
      words: '',
      version: '0',
      slots: 1_000,
      labels: '{}',
      offers: offersOf(labels),
      connection: null,
      present_until: new Date(),
    })
    .onConflict((oc) => oc.column('name').doUpdateSet({ words: '', offers: offersOf(labels) }))
    .returning('id')
    .executeTakeFirstOrThrow()
  return row.id
}
