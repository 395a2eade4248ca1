import { userInfo } from 'node:os'
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
  if (applied.length > 0) await putOnRecord(DATABASE_URL, applied)
  if (json) outJson({ applied })
  else if (applied.length === 0) note('the database is up to date already')
  else for (const name of applied) out(`applied ${name}`)
  return 0
}

/** Whoever may do this owns the database: what is known of him is what he is on this machine. */
async function putOnRecord(url: string, applied: readonly string[]): Promise<void> {
  const { connect } = await import('../db/connect.ts')
  const { writeEntry } = await import('../audit/write-entry.ts')
  const db = connect(url, () => {}) // a connection that breaks fails the statement on it
  try {
    await writeEntry(db, {
      ...{ actor_id: null, actor: userInfo().username, actor_kind: 'system', via: 'system' },
      ...{ token: null, address: null, action: 'database.migrate', organization_id: null, project: null },
      ...{ target: 'database', outcome: 'done', reason: 'takt migrate', before: null },
      ...{ after: { applied: [...applied] }, count: 1 },
    })
  } finally {
    await db.destroy()
  }
}
