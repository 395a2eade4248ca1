import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { freshDatabase } from '../support/database.ts'

/** Around what is sent as it lies, and far above what a socket takes at once. */
const SIZES = [0, 1, 16 * 1024 - 1, 16 * 1024, 300_000, 5_000_000]

test.each(SIZES)('a value of %i bytes arrives as it was, and so do those beside it', async (size) => {
  await using database = await freshDatabase()
  const large = randomBytes(size)
  const words = 'grüße 🦊 \\x41'
  for (let times = 0; times < 5; times++) {
    const { rows } = await sql<Record<string, unknown>>`
      select ${large}::bytea as large, ${words}::text as words, ${null}::text as nothing, ${-7}::int as number,
        ${large.subarray(0, 3)}::bytea as small, ${true}::bool as flag, ${['a', 'b']}::text[] as list`.execute(
      database.db,
    )
    const { large: came, ...beside } = rows[0]!
    expect(large.equals(came as Buffer)).toBe(true)
    expect(beside).toEqual({
      words,
      nothing: null,
      number: -7,
      small: large.subarray(0, 3),
      flag: true,
      list: ['a', 'b'],
    })
  }
})

test('a query that fails over a large value leaves its connection as it was', async () => {
  await using database = await freshDatabase()
  await database.db.connection().execute(async (one) => {
    const large = randomBytes(100_000)
    await expect(sql`select ${large}::bytea, 1 / ${0}::int`.execute(one)).rejects.toThrow('division by zero')
    const { rows } = await sql<{ size: number }>`select length(${large}::bytea) as size`.execute(one)
    expect(rows).toEqual([{ size: 100_000 }])
  })
})
