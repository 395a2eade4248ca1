import { sql } from 'kysely'
import type { GateId, RunId } from '#pipelines/ids.ts'
import type { GateAct } from '#pipelines/plan/acts.ts'
import type { Db } from '../db/connect.ts'
import { inMs, transact } from '../db/transact.ts'
import { lockGate } from '../gates/decide.ts'

export type CallAct = Extract<GateAct, { kind: 'call' }>
export type Claimed = {
  readonly gate: GateId
  readonly run: RunId
  readonly spec: CallAct
  readonly key: string
}

/** Whoever has not said so again by then was killed, and another server sends the request once more. */
const CLAIM_MS = 20_000
export const SAY_AGAIN_MS = 5_000
/** Of one project: a service that takes its time holds up nobody else’s. */
const MOST_OF_PROJECT = 8

/** Take what is due. Each of it is then this server’s, for as long as that says so. */
export async function claimCalls(db: Db, most: number): Promise<readonly Claimed[]> {
  const { rows } = await sql<Claimed>`
    with calls as (
      select acts.gate_id, acts.due_at, acts.taken_until, runs.project_id
      from gates join acts on acts.gate_id = gates.id join runs on runs.id = gates.run_id
      where gates.state = 'waiting' and gates.kind = 'call'
    ), under_way as (
      select project_id, count(*) as n from calls where taken_until > clock_timestamp() group by project_id
    ), due as (
      select gate_id, project_id, row_number() over (partition by project_id order by due_at) as place
      from calls where due_at <= clock_timestamp() and coalesce(taken_until <= clock_timestamp(), true)
    ), mine as (
      select acts.gate_id from acts
      where acts.gate_id in (
        select due.gate_id from due left join under_way using (project_id)
        where due.place + coalesce(under_way.n, 0) <= ${MOST_OF_PROJECT})
        and acts.due_at <= clock_timestamp() and coalesce(acts.taken_until <= clock_timestamp(), true)
      order by acts.due_at limit ${most} for update skip locked
    )
    update acts set taken_until = ${inMs(CLAIM_MS)}
    from mine, gates
    where acts.gate_id = mine.gate_id and gates.id = mine.gate_id
    returning acts.gate_id as gate, gates.run_id as run, acts.spec, acts.key`.execute(db)
  return rows
}

/** How long until a call is due, or is free to be taken from who was killed; null where none waits. */
export async function nextCallMs(db: Db): Promise<number | null> {
  const { rows } = await sql<{ ms: number | null }>`
    select greatest(0, ceil(extract(epoch from
      min(greatest(acts.due_at, coalesce(acts.taken_until, acts.due_at))) - clock_timestamp()) * 1000))::float8 as ms
    from gates join acts on acts.gate_id = gates.id
    where gates.state = 'waiting' and gates.kind = 'call' and acts.due_at is not null`.execute(db)
  return rows[0]?.ms ?? null
}

/** Say again that a call is under way here. @returns False where nobody waits for it any more. */
export async function keepCall(db: Db, gate: GateId): Promise<boolean> {
  const kept = await db
    .updateTable('acts')
    .set({ taken_until: inMs(CLAIM_MS) })
    .where('gate_id', '=', gate)
    .where((eb) =>
      eb.exists(
        eb.selectFrom('gates').select('gates.id').where('gates.id', '=', gate).where('state', '=', 'waiting'),
      ),
    )
    .executeTakeFirst()
  return kept.numUpdatedRows > 0n
}

/** Give a call back that is not sent to its end, so that any server sends it again at once. */
export const releaseCall = (db: Db, gate: GateId) =>
  db.updateTable('acts').set({ taken_until: null }).where('gate_id', '=', gate).execute()

/**
 * Put an attempt on record before it is sent. One that another server had begun, and of which it never said what came, was lost: the
 * service may have done what was asked, and knows the next attempt by its key.
 *
 * @returns Its number; null where nobody waits for it any more.
 */
export async function beginAttempt(db: Db, id: GateId): Promise<number | null> {
  return transact(db, async (tx) => {
    const { run, gate } = await lockGate(tx.db, id)
    if (gate.state !== 'waiting') return null
    await tx.db
      .updateTable('call_attempts')
      .set({
        state: 'lost',
        words: 'the server was stopped before an answer came',
        ended_at: sql<Date>`clock_timestamp()`,
      })
      .where('gate_id', '=', id)
      .where('state', '=', 'running')
      .execute()
    const { attempt } = await tx.db
      .insertInto('call_attempts')
      .values(({ selectFrom }) => ({
        gate_id: id,
        attempt: selectFrom('call_attempts')
          .select(sql<number>`coalesce(max(attempt), 0) + 1`.as('next'))
          .where('gate_id', '=', id),
      }))
      .returning('attempt')
      .executeTakeFirstOrThrow()
    tx.emit({ kind: 'run.progressed', project: run.project, pipeline: run.pipeline, run: run.id })
    return attempt
  })
}
