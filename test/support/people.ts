import type { Role } from '#pipelines/access/roles.ts'
import type { OrganizationId, ProjectId, UserId } from '#pipelines/ids.ts'
import { hashSecret } from '../../server/access/derive.ts'
import { newSecret } from '../../server/access/key-files.ts'
import { ensureToken } from '../../server/access/queries.ts'
import type { House } from './server.ts'

/** A person with a role in an organization or in one project of it, and a token to ask with. */
export async function person(
  house: House,
  name: string,
  given: { role?: Role; project?: string } = {},
): Promise<{ id: UserId; token: string }> {
  const { id } = await house.db
    .insertInto('users')
    .values({ name, role: 'member' })
    .returning('id')
    .executeTakeFirstOrThrow()
  if (given.role) {
    const project = given.project === undefined ? null : await projectNamed(house, given.project)
    await house.db
      .insertInto('grants')
      .values({ organization_id: 1 as OrganizationId, project_id: project, user_id: id, role: given.role })
      .execute()
  }
  const token = newSecret('takt_')
  await ensureToken(house.db, { user: id, name: 'test', secret: token })
  return { id, token }
}

/** Bound somebody’s token: at most a role, in one project. */
export async function bound(
  house: House,
  token: string,
  { role = null, project = null }: { role?: Role | null; project?: string | null },
): Promise<void> {
  const project_id = project === null ? null : await projectNamed(house, project)
  await house.db
    .updateTable('tokens')
    .set({ role, project_id })
    .where('hash', '=', hashSecret(token))
    .execute()
}

async function projectNamed(house: House, name: string): Promise<ProjectId> {
  const row = await house.db
    .selectFrom('projects')
    .select('id')
    .where('name', '=', name)
    .executeTakeFirstOrThrow()
  return row.id
}
