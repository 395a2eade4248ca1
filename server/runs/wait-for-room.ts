import { sql } from 'kysely'
import type { OrganizationId, ProjectId } from '#pipelines/ids.ts'
import { LOCKS } from '../db/locks.ts'
import type { Tx } from '../db/transact.ts'
import { noteDenial } from '../policies/note-denial.ts'
import { noteWarnings } from '../policies/note-warning.ts'
import { atItsTurn, type HeldRun, kindOf, lockHolds, oldestHeld, setHold } from './hold-rows.ts'
import type { LockedRun } from './lock-run.ts'
import { type Bounded, type Bounds, boundsFor, placesIn } from './room.ts'

/** Whether runs that stand before this wait for room that a policy leaves. */
export const isBound = (key: string): boolean => kindOf(key) === 'policy' || kindOf(key) === 'organization'

const lockRooms = (tx: Tx, organization: OrganizationId) =>
  sql`select pg_advisory_xact_lock(${LOCKS.rooms}, ${organization})`.execute(tx.db)

/** The bounds that make a run wait; those of the organization last, as their lock is taken after the project's. */
const denying = (bounds: Bounds | null): Bounded[] =>
  (bounds?.items ?? []).filter(({ effect }) => effect === 'deny')

/** Make a run wait that a policy has no room for; whoever holds it has locked it. @returns Whether it waits. */
export async function waitForRoom(tx: Tx, run: LockedRun): Promise<boolean> {
  const bounds = await boundsFor(tx.db, run)
  if (bounds === null) return false
  for (const bound of denying(bounds)) {
    // The project's first, always: what breaks the run later in this transaction wants it, too.
    await lockHolds(tx.db, run.project_id)
    if (bound.per === 'organization') await lockRooms(tx, bounds.organization)
    if ((await placesIn(tx.db, bounds, { bound, of: run })) > 0) continue
    await holdBefore(tx, run, { bound, organization: bounds.organization })
    return true
  }
  await warnOfMore(tx, run, bounds)
  return false
}

/** What is only warned of is counted without a lock: two that start at once may both be told of, or neither. */
async function warnOfMore(tx: Tx, run: LockedRun, bounds: Bounds): Promise<void> {
  for (const bound of bounds.items.filter(({ effect }) => effect === 'warn'))
    if ((await placesIn(tx.db, bounds, { bound, of: run })) <= 0) await noteWarnings(tx.db, run.id, [bound])
}

type Before = { readonly bound: Bounded; readonly organization: OrganizationId }

async function holdBefore(tx: Tx, run: LockedRun, { bound, organization }: Before): Promise<void> {
  const words = `waits: ${bound.words}`
  await setHold(tx.db, run.id, { key: bound.key, words })
  noteDenial(tx, {
    ...{ action: 'run.start', organization, project: run.project, target: `/runs/${run.id}` },
    denied: [{ effect: 'deny', rule: bound.rule, value: run.job, words }],
  })
  tx.emit({ kind: 'run.progressed', project: run.project, pipeline: run.pipeline, run: run.id })
}

/** A run is under way no more: who waits for a policy may have its place. */
export async function leaveRoom(tx: Tx, run: LockedRun): Promise<void> {
  for (const { key } of denying(await boundsFor(tx.db, run)))
    tx.atEnd(atItsTurn(key), () => releaseIntoRoom(tx, { key, project: run.project_id }))
}

/** So many are let on at once at most; each is asked again when a runner takes it. */
const MOST_LET_ON = 50

type Room = { readonly key: string; readonly project: ProjectId }

/** Let on those that wait before a bound, as far as there is room; all of them where the bound is no more. */
export async function releaseIntoRoom(tx: Tx, { key, project }: Room): Promise<void> {
  if (kindOf(key) === 'policy') await lockHolds(tx.db, project)
  else await lockRooms(tx, organizationIn(key))
  for (let letOnNow = 0; letOnNow < MOST_LET_ON; letOnNow++) {
    const run = await oldestHeld(tx.db, key)
    if (!run || letOnNow >= (await placesBehind(tx, run, key))) return
    await setHold(tx.db, run.id, null)
    tx.emit({ kind: 'run.progressed', project: run.project, pipeline: run.pipeline, run: run.id })
  }
}

const organizationIn = (key: string) =>
  Number(key.slice(key.indexOf(':') + 1, key.indexOf('/'))) as OrganizationId

async function placesBehind(tx: Tx, run: HeldRun, key: string): Promise<number> {
  const bounds = await boundsFor(tx.db, run)
  const bound = denying(bounds).find((each) => each.key === key)
  return bounds && bound ? placesIn(tx.db, bounds, { bound, of: run }) : MOST_LET_ON
}
