import { sql } from 'kysely'
import type { DeliveryId, PullHeadId } from '#pipelines/ids.ts'
import { audited } from '../audit/on-record.ts'
import type { Db, Trx } from '../db/connect.ts'
import { storable } from '../db/to-json.ts'
import { transact, type Tx } from '../db/transact.ts'
import { Problem } from '../problem.ts'

export type Said = {
  readonly verdict: 'approved' | 'rejected'
  /** The commit that was looked at: all of its hash, or a beginning. */
  readonly head: string
  readonly comment: string | null
  readonly by: string
}
type Pull = { readonly project: string; readonly number: number }

/**
 * Somebody says whether the head of a fork's pull request may run. What told of it is looked at once more then, as when it came.
 *
 * @throws {Problem} `pull-not-found`; `pull-decided`; `head-moved` when the commit is another one by now.
 */
export async function decidePull(db: Db, pull: Pull, said: Said): Promise<PullHeadId> {
  return transact(db, async (tx) => {
    const head = await lockHead(tx.db, pull)
    const target = `pulls/${pull.number} (${head.sha})`
    audited({
      ...{ project: pull.project, target, before: { state: head.state }, after: { state: said.verdict } },
      ...(said.comment ? { reason: said.comment } : {}),
    })
    if (head.state !== 'waiting')
      throw new Problem('pull-decided', `pr/${pull.number} waits for nobody: ${wordsOf(head)}`, {
        state: head.state,
      })
    if (!head.sha.startsWith(said.head))
      throw new Problem(
        'head-moved',
        `pr/${pull.number} is at ${head.sha} now, and not at ${said.head}; look at what it brings, then decide on that`,
        { head: head.sha },
      )
    await write(tx, head.id, said)
    if (said.verdict === 'approved') await lookAgain(tx, head.delivery_id)
    tx.emit({ kind: 'pull.moved', project: pull.project, number: pull.number, state: said.verdict })
    return head.id
  })
}

type Head = Awaited<ReturnType<typeof lockHead>>

/** The head that is asked about; where none is, the one that was asked about last. */
async function lockHead(db: Trx, { project, number }: Pull) {
  const head = await db
    .selectFrom('pull_heads')
    .innerJoin('projects', 'projects.id', 'pull_heads.project_id')
    .select(['pull_heads.id', 'pull_heads.sha', 'pull_heads.state', 'pull_heads.delivery_id'])
    .select('pull_heads.decided_by')
    .where('projects.name', '=', project)
    .where('pull_heads.number', '=', number)
    .orderBy(sql`pull_heads.state = 'waiting'`, 'desc')
    .orderBy('pull_heads.id', 'desc')
    .limit(1)
    .forUpdate('pull_heads')
    .executeTakeFirst()
  if (!head) throw new Problem('pull-not-found', `nobody was ever asked about pr/${number} of \`${project}\``)
  return head
}

const wordsOf = ({ sha, state, decided_by }: Head) =>
  decided_by === null
    ? `its head ${sha.slice(0, 7)} is ${state}`
    : `${sha.slice(0, 7)} was ${state} by ${decided_by}`

const write = (tx: Tx, id: PullHeadId, { verdict, comment, by }: Said) =>
  tx.db
    .updateTable('pull_heads')
    .set({
      ...{ state: verdict, decided_by: by, closed_at: sql<Date>`now()` },
      comment: comment === null ? null : storable(comment),
    })
    .where('id', '=', id)
    .execute()

async function lookAgain(tx: Tx, delivery: DeliveryId): Promise<void> {
  const row = await tx.db
    .updateTable('deliveries')
    .set({
      ...{ state: 'received', reason: null, processed_at: null, attempts: 0 },
      attempt_after: sql<Date>`now()`,
    })
    .where('id', '=', delivery)
    .where('body', 'is not', null)
    .returning('id')
    .executeTakeFirst()
  if (!row) throw new Problem('delivery-not-found', 'what told of this commit is kept no more; push it again')
  tx.emit({ kind: 'delivery.received', delivery })
}
