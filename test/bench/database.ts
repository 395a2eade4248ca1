import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { connect, type Db } from '../../server/db/connect.ts'
import { startEmbedded } from '../../server/db/embedded.ts'
import { migrate } from '../../server/db/migrate.ts'
import { log } from '../../server/log.ts'

/** A PostgreSQL as a server brings it up, nothing about it made faster; and as many databases in it as are asked for. */
export type BenchDatabases = AsyncDisposable & {
  /** The process that is PostgreSQL, with its helpers below it. */
  readonly pid: number
  /** A database with every migration and no row. */
  create(name: string): Promise<{ readonly url: string; readonly db: Db }>
}

export async function startDatabases(): Promise<BenchDatabases> {
  log.level = 'warn' // what is started and stopped is no news here
  const place = await mkdtemp(join(tmpdir(), 'takt-scale-'))
  await chmod(place, 0o755) // root's PostgreSQL is another user, who must get in
  const postgres = await startEmbedded(place, { log })
  const opened: Db[] = []
  const admin = connect(postgres.url)
  opened.push(admin)
  const { rows } = await sql<{
    pid: number
  }>`select split_part(pg_read_file('postmaster.pid'), e'\n', 1)::int as pid`.execute(admin)
  return {
    pid: rows[0]?.pid ?? 0,
    async create(name) {
      await sql`create database ${sql.id(name)}`.execute(admin)
      const url = postgres.url.replace(/@\/[^?]*/, `@/${name}`)
      await migrate(url)
      const db = connect(url)
      opened.push(db)
      return { url, db }
    },
    async [Symbol.asyncDispose]() {
      for (const db of opened) await db.destroy()
      await postgres.stop()
      await rm(place, { recursive: true })
    },
  }
}
