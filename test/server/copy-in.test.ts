import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { Trx } from '../../server/db/connect.ts'
import { copyIn, type Field, int4, int8 } from '../../server/db/copy-in.ts'
import { freshDatabase } from '../support/database.ts'

/** Around what is sent as it lies, and far above what a socket takes at once. */
const SIZES = [0, 1, 16 * 1024 - 1, 16 * 1024, 300_000, 5_000_000]
const ROWS = SIZES.map((size, at) => ({ id: at * 2 ** 40, number: at - 3, bytes: randomBytes(size) }))

const fields = ({ id, number, bytes }: (typeof ROWS)[number]): Field[] => [
  int8(id),
  number === 0 ? null : int4(number),
  bytes,
]

/** A database with one table, and one transaction in it after the other. */
async function house() {
  const database = await freshDatabase()
  await sql`create table things (id bigint primary key, number int, bytes bytea)`.execute(database.db)
  return {
    db: database.db,
    within: <T>(work: (trx: Trx) => Promise<T>) => database.db.transaction().execute(work),
    things: async () =>
      (await sql<(typeof ROWS)[number]>`select * from things order by id`.execute(database.db)).rows,
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}

test('rows that are copied in arrive as they were, the large beside the small', async () => {
  await using at = await house()
  for (let times = 0; times < 5; times++) {
    await at.within((trx) => copyIn(trx, 'things (id, number, bytes)', ROWS.map(fields)))
    const came = await at.things()
    expect(came.map(({ id, number }) => [id, number])).toEqual(
      ROWS.map(({ id, number }) => [id, number === 0 ? null : number]),
    )
    expect(came.every(({ bytes }, index) => bytes.equals(ROWS[index]!.bytes))).toBe(true)
    await sql`delete from things`.execute(at.db)
  }
})

test('what is copied in belongs to its transaction', async () => {
  await using at = await house()
  const undone = at.within(async (trx) => {
    await copyIn(trx, 'things (id, number, bytes)', ROWS.map(fields))
    throw new Error('undone')
  })
  await expect(undone).rejects.toThrow('undone')
  expect(await at.things()).toEqual([])
})

test('a row that is refused while others are on their way refuses all, and the connection goes on', async () => {
  await using at = await house()
  const many = Array.from({ length: 30 }, () => fields({ id: 7, number: 7, bytes: randomBytes(1_000_000) }))
  for (let times = 0; times < 3; times++)
    await at.db.connection().execute(async (one) => {
      const refused = one.transaction().execute((trx) => copyIn(trx, 'things (id, number, bytes)', many))
      await expect(refused).rejects.toThrow('duplicate key value')
      const { rows } = await sql<{ two: number }>`select 1 + ${1}::int as two`.execute(one)
      expect(rows).toEqual([{ two: 2 }])
    })
  expect(await at.things()).toEqual([])
})

test('a connection that is lost while rows are on their way fails the copy, and nothing else', async () => {
  await using at = await house()
  const many = Array.from({ length: 60 }, (_, id) =>
    fields({ id, number: id, bytes: randomBytes(1_000_000) }),
  )
  const lost = at.within(async (trx) => {
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(trx)
    const cut = sql`select pg_terminate_backend(${rows[0]!.pid})`.execute(at.db)
    await Promise.all([copyIn(trx, 'things (id, number, bytes)', many), cut])
  })
  await expect(lost).rejects.toThrow()
  await at.within((trx) => copyIn(trx, 'things (id, number, bytes)', ROWS.map(fields)))
  expect(await at.things()).toHaveLength(ROWS.length)
})

test('a statement that PostgreSQL does not understand fails before a row is sent', async () => {
  await using at = await house()
  await expect(at.within((trx) => copyIn(trx, 'nowhere (id)', [[int8(1)]]))).rejects.toThrow('nowhere')
})
