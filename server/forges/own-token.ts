import { sql } from 'kysely'
import type { ProjectId } from '#pipelines/ids.ts'
import type { Db, Trx } from '../db/connect.ts'

/** The secret by which a project shows itself to its forge. */
export const OWN_TOKEN = 'FORGE_TOKEN'

/** Opens it; null where it is not set for every run. */
export type TokenOf = (project: string) => Promise<string | null>

const isOwnToken = sql<boolean>`secrets.name = ${OWN_TOKEN} and secrets.project_id is not null
  and secrets.environment is null and secrets.job is null and secrets.trigger is null and secrets.branch is null`

/** Whether a project has a token of its own, or any project does. */
export async function hasOwnToken(db: Db | Trx, project: ProjectId | null = null): Promise<boolean> {
  let found = db.selectFrom('secrets').select('id').where(isOwnToken)
  if (project !== null) found = found.where('project_id', '=', project)
  return (await found.limit(1).executeTakeFirst()) !== undefined
}
