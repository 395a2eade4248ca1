import { type RawBuilder, sql } from 'kysely'
import type { Db, Trx } from '../db/connect.ts'
import { log } from '../log.ts'
import type { Key, Keyring } from './keyring.ts'
import { placeOf } from './owner.ts'
import { markIn, type Place, rewrap, Unsealable } from './seal.ts'
import { placeOfSigningKey } from './signing-place.ts'

const PAGE = 100

type Row = { readonly id: number; readonly sealed: Buffer }
/** A table with something sealed in it, and what each of its values is bound to. */
type SealedTable = { readonly table: string; readonly placeOf: (row: never) => Place }

/** Everything that is sealed stands here: what does not is lost when the key changes. A test looks for columns that are missing. */
export const SEALED: readonly SealedTable[] = [
  { table: 'secrets', placeOf: placeOf },
  { table: 'signing_keys', placeOf: placeOfSigningKey },
]

/** Beside a row of something sealed: the mark of the key that it is sealed with. */
const mark = sql<Buffer>`substring(sealed from 2 for 8)`
const under = (others: readonly Key[]): RawBuilder<boolean> =>
  sql<boolean>`${mark} = any(${others.map((key) => key.mark)}::bytea[])`

/** How much is still sealed with each of the keys, by the key's mark in hex. */
export async function countByMark(db: Db | Trx): Promise<ReadonlyMap<string, number>> {
  const all = sql.join(
    SEALED.map(({ table }) => sql`select sealed from ${sql.table(table)} where sealed is not null`),
    sql` union all `,
  )
  const { rows } = await sql<{ mark: string; count: number }>`
    select encode(${mark}, 'hex') as mark, count(*)::int as count from (${all}) sealed group by 1`.execute(db)
  return new Map(rows.map((row) => [row.mark, row.count]))
}

/**
 * Wrap everything anew that is sealed with a key besides the one that seals now, page by page. Whoever is interrupted leaves every
 * row readable, and the next one goes on. What cannot be opened stays as it is.
 *
 * @returns How many rows it wrapped.
 */
export async function rewrapAll(db: Db, keys: Keyring, quit: AbortSignal): Promise<number> {
  const sealing = await sealingNow(db, keys)
  const others = keys.keys.filter((key) => key !== sealing)
  if (sealing === null || others.length === 0) return 0
  let done = 0
  for (const sealed of SEALED) {
    for (let after = 0, more = true; more && !quit.aborted;) {
      const page = await rewrapPage(db, { ...sealed, after, others, sealing })
      done += page.done
      more = page.last !== null
      after = page.last ?? after
    }
  }
  return done
}

async function sealingNow(db: Db, keys: Keyring): Promise<Key | null> {
  const row = await db.selectFrom('sealing_key').select('mark').executeTakeFirst()
  const key = row ? await keys.find(row.mark) : null
  if (row && key === null) log.warn({ mark: row.mark.toString('hex') }, 'sealing-key.unknown')
  return key
}

type Page = SealedTable & { readonly after: number; readonly others: readonly Key[]; readonly sealing: Key }

const rewrapPage = (db: Db, { table, placeOf: place, after, others, sealing }: Page) =>
  db.transaction().execute(async (trx) => {
    const { rows } = await sql<Row>`
      select * from ${sql.table(table)} where sealed is not null and ${under(others)} and id > ${after}
      order by id limit ${PAGE} for update`.execute(trx)
    const done = rows.flatMap((row) => {
      const wrapped = wrappedAnew(row, { place: place(row as never), others, sealing, table })
      return wrapped ? [{ id: row.id, sealed: wrapped }] : []
    })
    if (done.length > 0)
      await sql`
        update ${sql.table(table)} set sealed = told.sealed
        from unnest(${done.map(({ id }) => id)}::bigint[], ${done.map((each) => each.sealed)}::bytea[]) as told(id, sealed)
        where ${sql.table(table)}.id = told.id`.execute(trx)
    return { done: done.length, last: rows.at(-1)?.id ?? null }
  })

type Wrapping = Pick<Page, 'others' | 'sealing' | 'table'> & { readonly place: Place }

function wrappedAnew({ id, sealed }: Row, { place, others, sealing, table }: Wrapping): Buffer | null {
  const from = others.find((key) => markIn(sealed)?.equals(key.mark))
  if (!from) return null
  try {
    return rewrap(sealed, place, { from: from.wrapping, to: sealing.wrapping })
  } catch (error) {
    if (!(error instanceof Unsealable)) throw error
    // Nobody can open it, before as after: whoever needs it hears so, and the rest must not wait for it.
    log.warn({ err: error, table, row: id }, 'rewrap.unreadable')
    return null
  }
}
