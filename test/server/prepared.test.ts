import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { Db } from '../../server/db/connect.ts'
import { freshDatabase } from '../support/database.ts'

const greet = (db: Db, name: string) =>
  sql<{ words: string }>`select 'hello ' || ${name}::text as words`
    .execute(db)
    .then(({ rows }) => rows[0]?.words)
const prepared = (db: Db, text: string) =>
  sql<{ calls: number }>`select generic_plans + custom_plans as calls from pg_prepared_statements
    where statement like ${`%${text}%`}`
    .execute(db)
    .then(({ rows }) => rows)

test('a query that is asked often is prepared, and answers each time what it was asked', async () => {
  await using database = await freshDatabase()
  await database.db.connection().execute(async (one) => {
    for (const name of ['Ann', 'Ben', 'Cleo', 'Dan', 'Eve'])
      expect(await greet(one, name)).toBe(`hello ${name}`)
    expect(await prepared(one, "select \'hello \'")).toHaveLength(1)
  })
})

test('a query that is asked once or twice takes no place in the connection', async () => {
  await using database = await freshDatabase()
  await database.db.connection().execute(async (one) => {
    await sql`select 'rare ' || ${1}::text`.execute(one)
    await sql`select 'rare ' || ${2}::text`.execute(one)
    expect(await prepared(one, "select \'rare \'")).toEqual([])
  })
})

test('a table that is changed under a prepared query costs one failure and no more', async () => {
  await using database = await freshDatabase()
  const look = (one: Db) => sql`select * from greetings where id = ${1}`.execute(one)
  await sql`create table greetings as select 1 as id, 'hello' as words`.execute(database.db)
  await database.db.connection().execute(async (one) => {
    for (let times = 0; times < 5; times++) await look(one)
    await sql`alter table greetings add column more text`.execute(one)
    await expect(look(one)).rejects.toThrow('cached plan must not change result type')
    expect((await look(one)).rows).toEqual([{ id: 1, words: 'hello', more: null }])
  })
})
