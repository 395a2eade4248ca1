import { sql } from 'kysely'
import type { ProjectId, UserId } from '#pipelines/ids.ts'
import type { Db, Trx } from '../db/connect.ts'
import { seal, unseal } from './seal.ts'

/** A secret as people see it: everything but its value. */
export type SecretRow = Awaited<ReturnType<typeof listSecrets>>[number]

const shown = (db: Db | Trx) =>
  db
    .selectFrom('secrets')
    .innerJoin('users', 'users.id', 'secrets.updated_by')
    .select(['secrets.name', 'secrets.created_at', 'secrets.updated_at', 'users.name as updated_by'])

export const listSecrets = (db: Db, project: ProjectId) =>
  shown(db).where('project_id', '=', project).orderBy('secrets.name').execute()

export type NewSecret = {
  readonly project: ProjectId
  readonly name: string
  readonly value: string
  readonly by: UserId
}

/** Store a secret's value, in place of the one it may have had. */
export async function setSecret(db: Db, secret: NewSecret, wrapping: Buffer): Promise<SecretRow> {
  const { project, name, value, by } = secret
  const sealed = seal(value, { project, name }, wrapping)
  await db
    .insertInto('secrets')
    .values({ project_id: project, name, sealed, updated_by: by })
    .onConflict((oc) =>
      oc
        .columns(['project_id', 'name'])
        .doUpdateSet({ sealed, updated_by: by, updated_at: sql<Date>`now()` }),
    )
    .execute()
  return shown(db)
    .where('project_id', '=', project)
    .where('secrets.name', '=', name)
    .executeTakeFirstOrThrow()
}

/** @returns Whether there was one. */
export async function removeSecret(db: Db, project: ProjectId, name: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('secrets')
    .where('project_id', '=', project)
    .where('name', '=', name)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

export type Asked = { readonly project: ProjectId; readonly names: readonly string[] }

/**
 * The values of those of the named secrets that a project has. Only for what is handed to the holder of a lease.
 *
 * @throws {Unsealable} When one cannot be read with this server's key.
 */
export async function openSecrets(
  db: Db | Trx,
  { project, names }: Asked,
  wrapping: Buffer,
): Promise<Record<string, string>> {
  if (names.length === 0) return {}
  const rows = await db
    .selectFrom('secrets')
    .select(['name', 'sealed'])
    .where('project_id', '=', project)
    .where('name', 'in', [...names])
    .execute()
  return Object.fromEntries(
    rows.map(({ name, sealed }) => [name, unseal(sealed, { project, name }, wrapping)]),
  )
}
