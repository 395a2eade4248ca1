import type { RunId } from '#pipelines/ids.ts'
import { sameSecret } from '../access/derive.ts'
import type { Db, Trx } from '../db/connect.ts'
import { Problem } from '../problem.ts'
import { type LockedRun, lockRun, placedRun } from './lock-run.ts'

/** A runner's request about a run: the number in its address, and the `Authorization` header with the lease. */
export type Holding = { readonly run: string; readonly authorization: string | undefined }

/** A run as it stood a moment ago, whose lease the request showed. */
export type HeldRun = LockedRun

/**
 * The running run that a request holds the lease of, for reading and for what takes long: nothing is locked.
 *
 * @throws {Problem} `stale-lease`, also for a run that there is not: who holds no lease learns nothing.
 */
export async function leaseHolder(db: Db, holding: Holding): Promise<HeldRun> {
  const id = runOf(holding)
  const run = id === null ? undefined : await placedRun(db, id).executeTakeFirst()
  if (!run || !holds(run, holding)) throw stale(holding)
  return run
}

/**
 * The same, locked until the transaction ends: what is written with it belongs to the lease, and nobody ends the run meanwhile.
 *
 * @throws {Problem} `stale-lease`.
 */
export async function lockLeaseHolder(db: Trx, holding: Holding): Promise<LockedRun> {
  const { id } = await leaseHolder(db, holding)
  const run = await lockRun(db, id)
  if (!holds(run, holding)) throw stale(holding)
  return run
}

const runOf = ({ run }: Holding): RunId | null => (/^\d{1,15}$/.test(run) ? (Number(run) as RunId) : null)

function holds(run: LockedRun, { authorization }: Holding): boolean {
  const token = /^Bearer (\S{16,100})$/i.exec(authorization ?? '')?.[1]
  const { state, lease_token: lease } = run
  return state === 'running' && lease !== null && token !== undefined && sameSecret(lease, token)
}

const stale = ({ run }: Holding) =>
  new Problem(
    'stale-lease',
    `the run ${JSON.stringify(run.slice(0, 20))} is not held with this lease; stop working on it, it is another runner's or over`,
  )
