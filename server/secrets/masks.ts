import type { ProjectId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import type { Keyring } from './keyring.ts'
import { placeOf, reachedBy } from './owner.ts'
import { Unsealable } from './seal.ts'

/**
 * Hides every secret that the project keeps or shares: a commit's message or a failure's words may hold one, and a notice leaves the
 * house.
 */
export async function masksOf(db: Db, project: ProjectId, keys: Keyring): Promise<(text: string) => string> {
  const rows = await db
    .selectFrom('secrets')
    .selectAll()
    .where('sealed', 'is not', null)
    .where(reachedBy(project))
    .execute()
  const values: string[] = []
  for (const row of rows) {
    try {
      if (row.sealed) values.push(await keys.unseal(row.sealed, placeOf(row)))
    } catch (error) {
      if (!(error instanceof Unsealable)) throw error // sealed under a key that is gone: nobody has its value
    }
  }
  return masking(values)
}

/** A secret of several lines is hidden line by line, too. */
export function masking(values: readonly string[]): (text: string) => string {
  const parts = values
    .flatMap((value) => [value, ...value.split(/\r?\n/)])
    .filter((part) => part.trim().length >= 4)
  const longest = [...new Set(parts)].toSorted((a, b) => b.length - a.length)
  return (text) => longest.reduce((left, part) => left.replaceAll(part, '***'), text)
}
