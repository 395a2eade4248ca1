import { sql } from 'kysely'
import type { SourceId } from '#pipelines/ids.ts'
import { redialMs } from '#pipelines/wire/redial.ts'
import { newSecret } from '../access/key-files.ts'
import type { Db, Trx } from '../db/connect.ts'
import type { SourceSettings } from '../db/source-tables.ts'
import { inMs, transact } from '../db/transact.ts'
import type { Hints } from '../events/listen.ts'
import { keepLease } from '../events/keep-lease.ts'
import { startWorker } from '../events/worker.ts'
import type { Allowed } from '../http/reachable.ts'
import { log } from '../log.ts'
import type { Reading } from './event-source.ts'
import { keepEvents } from './keep-events.ts'
import { readKafka } from './kafka.ts'
import { readRedis } from './redis.ts'

const SOURCES = { redis: readRedis, kafka: readKafka }
const LEASE_MS = 15_000
const RENEW_MS = 5_000

export type SourceDeps = {
  readonly db: Db
  readonly allowed: Allowed
  readonly loginOf: (of: { project: string; secret: string }) => Promise<Reading['login']>
}
type Held = {
  readonly id: SourceId
  readonly kind: 'redis' | 'kafka'
  readonly settings: SourceSettings
  readonly login: string | null
  readonly failures: number
  readonly project: string
  readonly name: string
  readonly lease: string
}

/** Read what others stream: each source by one server at a time, which takes over where the one before was killed. */
export function startSources(
  deps: SourceDeps,
  loop: { hints: Pick<Hints, 'on'>; sweepMs: number },
): AsyncDisposable {
  const quit = new AbortController()
  const reading = new Set<Promise<void>>()
  let alarm: NodeJS.Timeout | undefined
  const look = async () => {
    clearTimeout(alarm)
    const held = await claimFree(deps.db)
    if (held) {
      const done = hold(deps, held, quit.signal).finally(() => reading.delete(done))
      reading.add(done)
      return true
    }
    const inMs = await untilFreeMs(deps.db)
    if (inMs !== null) alarm = setTimeout(() => worker.poke(), Math.min(inMs + 5, loop.sweepMs)).unref()
    return false
  }
  const worker = startWorker('sources', look, loop)
  return {
    async [Symbol.asyncDispose]() {
      quit.abort()
      clearTimeout(alarm)
      await worker[Symbol.asyncDispose]()
      await Promise.all(reading)
    },
  }
}

async function claimFree(db: Db): Promise<Held | null> {
  const lease = newSecret()
  const { rows } = await sql<Omit<Held, 'lease'>>`
    update sources set lease_token = ${lease}, lease_until = now() + ${LEASE_MS} * interval '1 millisecond', read_since = null
    from projects
    where projects.id = sources.project_id and sources.id = (
      select id from sources where lease_until <= now() order by lease_until limit 1 for update skip locked)
    returning sources.id, sources.kind, sources.settings, sources.login, sources.failures, sources.name,
      projects.name as project`.execute(db)
  return rows[0] ? { ...rows[0], lease } : null
}

async function untilFreeMs(db: Db): Promise<number | null> {
  const { rows } = await sql<{ ms: number | null }>`
    select ceil(extract(epoch from min(lease_until) - now()) * 1000)::int as ms from sources`.execute(db)
  return rows[0]?.ms ?? null
}

/** Read one source for as long as it is ours. */
async function hold(deps: SourceDeps, held: Held, quit: AbortSignal): Promise<void> {
  const { db, allowed } = deps
  using lease = keepLease({
    everyMs: RENEW_MS,
    renew: () => renew(db, held),
    onError: (error) => log.warn({ err: error, source: held.id }, 'source.not-renewed'),
  })
  const signal = AbortSignal.any([quit, lease.signal])
  try {
    const login =
      held.login === null ? null : await deps.loginOf({ project: held.project, secret: held.login })
    if (held.login !== null && !login)
      throw new Error(`the secret \`${held.login}\` is not set for every run`)
    await SOURCES[held.kind]({
      ...{ settings: held.settings, login, allowed, signal },
      keep: (came) => keepEvents(db, held, came),
      onReached: () => reached(db, held),
    })
    await letGo(db, held, null)
  } catch (error) {
    await letGo(db, held, quit.aborted ? null : wordsOf(error))
  }
}

const ours = (db: Db | Trx, { id, lease }: Held) =>
  db.updateTable('sources').where('id', '=', id).where('lease_token', '=', lease)

async function renew(db: Db, held: Held): Promise<boolean> {
  const row = await ours(db, held)
    .set({ lease_until: inMs(LEASE_MS) })
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

const reached = (db: Db, held: Held): Promise<void> =>
  transact(db, async (tx) => {
    await ours(tx.db, held)
      .set({ read_since: sql<Date>`now()`, error: null, failures: 0 })
      .execute()
    tx.emit({ kind: 'source.changed', project: held.project, source: held.name })
  })

/** @param error  Why; it is tried again later, each time. Null where somebody else is to go on at once. */
async function letGo(db: Db, held: Held, error: string | null): Promise<void> {
  const waitMs = error === null ? 0 : redialMs(held.failures, 0.5)
  await transact(db, async (tx) => {
    await ours(tx.db, held)
      .set({
        ...{ lease_token: null, lease_until: inMs(waitMs), read_since: null },
        ...(error === null ? {} : { error: error.slice(0, 500), failures: sql<number>`failures + 1` }),
      })
      .execute()
    tx.emit({ kind: 'source.changed', project: held.project, source: held.name })
  }).catch((cause: unknown) => log.warn({ err: cause, source: held.id }, 'source.not-let-go')) // its lease ends by itself
}

const wordsOf = (error: unknown): string =>
  error instanceof Error ? error.message || error.name : String(error)
