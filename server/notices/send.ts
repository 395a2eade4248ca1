import { sql } from 'kysely'
import type { NoticeMessageId, ProjectId } from '#pipelines/ids.ts'
import type { NoticeFacts } from '#pipelines/language/notice-words.ts'
import { OUTSIDE } from '#pipelines/plan/secret-scopes.ts'
import { ownIn } from '#pipelines/own-in.ts'
import type { Db } from '../db/connect.ts'
import { inMs, transact } from '../db/transact.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { openAllSecrets } from '../secrets/open.ts'
import type { Stores } from '../secrets/stores/stores.ts'
import { Unsealable } from '../secrets/seal.ts'
import { deliver, type Letter, type Outcome, secretNameOf, type Ways } from './deliver.ts'
import { masking, masksOf } from '../secrets/masks.ts'

export type Sending = Ways & {
  readonly db: Db
  readonly keys: Keyring
  readonly stores: Stores
  /** The address that people open. */
  readonly publicUrl: () => string
}

const AT_ONCE = 8
/** Longer than any attempt takes. Whoever has not said by then what came of it was killed. */
const CLAIM_MS = 120_000
const MOST_ITEMS = 20
const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
/** How long to wait after each attempt that failed; after the last one the message is given up, for a person to see to. */
const WAITS_MS = [
  ...[10 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 20 * MINUTE, 30 * MINUTE],
  ...[HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR],
]
const MOST_PATIENCE_MS = 2 * HOUR

type Claimed = Omit<Letter, 'secret' | 'told'> & {
  readonly id: NoticeMessageId
  readonly attempts: number
  readonly template: string | null
  readonly test: boolean
  readonly project_id: ProjectId
  readonly project: string
  readonly pipeline: string
}

/** Send what is due. @returns Whether there may be more. */
export async function sendDue(sending: Sending): Promise<boolean> {
  const due = await claim(sending.db)
  await Promise.all(due.map((message) => attempt(sending, message)))
  return due.length > 0
}

/** Messages to one place go out in their order: a later one waits for the one before, whatever its own time is. */
const IS_NEXT = sql`(test or not exists (
  select from notice_messages as older
  where older.pipeline_id = mine.pipeline_id and older.channel = mine.channel
    and older.destination = mine.destination and older.id < mine.id and older.state = 'waiting' and not older.test))`

/** How long until the next message is due; null where none waits. */
export async function nextDueMs(db: Db): Promise<number | null> {
  const { rows } = await sql<{ ms: number | null }>`
    select greatest(0, ceil(extract(epoch from min(due_at) - clock_timestamp()) * 1000))::float8 as ms
    from notice_messages as mine where state = 'waiting' and ${IS_NEXT}`.execute(db)
  return rows[0]?.ms ?? null
}

async function claim(db: Db): Promise<readonly Claimed[]> {
  const { rows } = await sql<Claimed>`
    with due as (
      select id from notice_messages as mine
      where state = 'waiting' and due_at <= now() and ${IS_NEXT}
      order by due_at limit ${AT_ONCE} for update skip locked
    )
    update notice_messages as mine
    set attempts = attempts + 1, due_at = ${inMs(CLAIM_MS)}
    from due, pipelines, projects
    where mine.id = due.id and pipelines.id = mine.pipeline_id and projects.id = pipelines.project_id
    returning mine.id, mine.attempts, mine.channel, mine.destination, mine.login, mine.template, mine.test,
      projects.id as project_id, projects.name as project, pipelines.name as pipeline`.execute(db)
  return rows
}

async function attempt(sending: Sending, message: Claimed): Promise<void> {
  const { db, keys } = sending
  const began = performance.now()
  const secret = await secretOf(sending, message)
  const mask = secret.hides(await masksOf(db, message.project_id, keys))
  const told = { ...(await itemsOf(sending, message)), mask }
  const outcome = secret.unreadable
    ? unopened(secret.unreadable)
    : await deliver({ ...message, secret: secret.value, told }, sending)
  const words = mask(outcome.words)
  await settle(db, message, { ...outcome, words, tookMs: Math.round(performance.now() - began) })
}

type Mask = (text: string) => string
type Found = {
  readonly value: string | null
  /** Why it cannot be read, where there is one. */
  readonly unreadable?: string
  readonly hides: (mask: Mask) => Mask
}

/** A store that is away may be back later. */
const unopened = (words: string): Outcome => ({
  ...{ ended: 'failed', isFinal: false, status: null, words, patienceMs: null },
})

async function secretOf({ db, keys, stores }: Sending, message: Claimed): Promise<Found> {
  const name = secretNameOf(message)
  if (name === null) return { value: null, hides: (mask) => mask }
  try {
    const asked = { project: message.project_id, names: [name], asking: OUTSIDE }
    const value = ownIn((await openAllSecrets(db, asked, { keys, stores })).values, name)?.trim() ?? null
    const own = masking(value === null ? [] : [value])
    return { value, hides: (mask) => (text) => mask(own(text)) }
  } catch (error) {
    if (error instanceof Unsealable) return { value: null, unreadable: error.message, hides: (mask) => mask }
    throw error
  }
}

async function itemsOf({ db, publicUrl }: Sending, { id, template, test }: Claimed) {
  const rows = await db
    .selectFrom('notices')
    .select('facts')
    .where('message_id', '=', id)
    .orderBy('id')
    .limit(MOST_ITEMS)
    .execute()
  const { count } = await db
    .selectFrom('notices')
    .select(sql<number>`count(*)::int`.as('count'))
    .where('message_id', '=', id)
    .executeTakeFirstOrThrow()
  const facts = rows.map(({ facts: each }): NoticeFacts => ({ ...each, url: publicUrl() + each.url }))
  return { id, template, isTest: test, facts, count }
}

type Settled = Outcome & { readonly tookMs: number }

/** Say what came of an attempt; of one whose time was over before, nothing. */
async function settle(db: Db, message: Claimed, outcome: Settled): Promise<void> {
  const { id, attempts: number, project, pipeline } = message
  await transact(db, async (tx) => {
    const changed = await tx.db
      .updateTable('notice_messages')
      .set({
        ...after(message, outcome),
        error: outcome.ended === 'sent' ? null : outcome.words,
      })
      .where('id', '=', id)
      .where('attempts', '=', number)
      .where('state', '=', 'waiting')
      .executeTakeFirst()
    if (changed.numUpdatedRows === 0n) return
    const { status, words, tookMs: took_ms } = outcome
    await tx.db
      .insertInto('notice_attempts')
      .values({ message_id: id, number, status, words, took_ms })
      .execute()
    await forgetOld(tx.db)
    tx.emit({ kind: 'notice.changed', project, pipeline, notice: id })
  })
}

function after({ attempts, test }: Claimed, outcome: Outcome) {
  const ended_at = sql<Date>`clock_timestamp()`
  if (outcome.ended === 'sent') return { state: 'sent' as const, ended_at }
  const waitMs = WAITS_MS[attempts - 1]
  // Who tests looks at it now, and not in an hour.
  if (outcome.isFinal || test || waitMs === undefined) return { state: 'dead' as const, ended_at }
  const asked = Math.min(outcome.patienceMs ?? 0, MOST_PATIENCE_MS)
  return { due_at: inMs(Math.max(waitMs, asked)) }
}

/** What was told a month ago is told. */
const forgetOld = (db: Db) =>
  sql`delete from notice_messages where id in (
    select id from notice_messages where state <> 'waiting' and ended_at < now() - interval '30 days'
    order by id limit 100 for update skip locked)`.execute(db)
