import { sql } from 'kysely'
import type { PolicyRules } from '#pipelines/policy/rules.ts'
import type { Powerful } from '#pipelines/policy/subjects.ts'
import type { Db, Trx } from '../db/connect.ts'

/** The images that some runner runs with all powers of root, as its operator says; looked up where a rule speaks of them. */
export async function powerfulImages(db: Db | Trx, rules: PolicyRules): Promise<Powerful> {
  if (!rules.some(({ privileged }) => privileged !== undefined)) return []
  const { rows } = await sql<{ image: string }>`
    select distinct unnest(privileged_images) as image from runners`.execute(db)
  return rows.map(({ image }) => image)
}

/** A runner gives no powers to what a pull request says, whatever its operator named. */
export const hasPowers = (lane: string): boolean => !lane.startsWith('pr/')
