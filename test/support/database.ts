import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { inject } from 'vitest'
import { connect, type Db } from '../../server/db/connect.ts'

export const TEMPLATE = 'takt_template'

export type FreshDatabase = AsyncDisposable & { readonly db: Db; readonly url: string }

/** A database of one test's own, with every migration and no row; it is gone when the test leaves its scope. */
export async function freshDatabase(): Promise<FreshDatabase> {
  const server = inject('databaseUrl')
  const name = `test_${randomBytes(6).toString('hex')}`
  await ask(server, `create database ${name} template ${TEMPLATE}`)
  const url = urlIn(server, name)
  const db = connect(url)
  const drop = async () => {
    await db.destroy()
    // By force: what a test left connected (a listener, a killed server) must not keep its database alive.
    await ask(server, `drop database ${name} with (force)`)
  }
  return { db, url, [Symbol.asyncDispose]: drop }
}

/** The same PostgreSQL, another database. */
export const urlIn = (server: string, database: string) => server.replace(/@\/[^?]*/, `@/${database}`)

export async function ask(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
