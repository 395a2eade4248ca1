import { readConfig } from '../config.ts'
import { asWrongUse } from './ending.ts'
import { note, out, outJson } from './print.ts'

/** Bring the database up to date without starting a server. */
export async function migrateNow({ json }: { json?: true }): Promise<number> {
  const { DATABASE_URL } = asWrongUse(readConfig)
  if (DATABASE_URL === undefined) {
    note(
      'DATABASE_URL is not set: the server brings its own database up to date whenever it starts; there is nothing to do',
    )
    return 0
  }
  const { migrate } = await import('../db/migrate.ts')
  const applied = await migrate(DATABASE_URL)
  if (json) outJson({ applied })
  else if (applied.length === 0) note('the database is up to date already')
  else for (const name of applied) out(`applied ${name}`)
  return 0
}
