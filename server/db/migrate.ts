import { readdir, readFile } from 'node:fs/promises'
import { sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { connect, type Db } from './connect.ts'
import { LOCKS } from './locks.ts'

const FOLDER = new URL('../../migrations/', import.meta.url)

/** The migrations as plain SQL files, in the order of their numbers. */
async function getMigrations(): Promise<Record<string, Migration>> {
  const files = (await readdir(FOLDER)).filter((file) => file.endsWith('.sql')).toSorted()
  const entries = files.map(async (file): Promise<[string, Migration]> => {
    const text = await readFile(new URL(file, FOLDER), 'utf8')
    return [
      file,
      {
        up: (db) =>
          sql
            .raw(text)
            .execute(db)
            .then(() => undefined),
      },
    ]
  })
  return Object.fromEntries(await Promise.all(entries))
}

/**
 * Bring the database at `url` up to date. Several servers may call at once: one works, the others wait and find nothing to do.
 *
 * @returns The names of what was applied, in order.
 */
export async function migrate(url: string): Promise<string[]> {
  const db = connect(url)
  try {
    return await db.connection().execute(async (one) => {
      await sql`select pg_advisory_lock(${LOCKS.migration})`.execute(one)
      try {
        return await applyAll(one)
      } finally {
        await sql`select pg_advisory_unlock(${LOCKS.migration})`.execute(one)
      }
    })
  } finally {
    await db.destroy()
  }
}

async function applyAll(db: Db): Promise<string[]> {
  // Work that goes on side by side takes its numbers when it begins: the smaller one may land later, and is applied all the same.
  const migrator = new Migrator({ db, provider: { getMigrations }, allowUnorderedMigrations: true })
  const { error, results = [] } = await migrator.migrateToLatest()
  const failed = results.find((result) => result.status === 'Error')
  if (error)
    throw new Error(`migration ${failed?.migrationName ?? ''} could not be applied`, { cause: error })
  return results.map((result) => result.migrationName)
}
