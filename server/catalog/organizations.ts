import { type Access, reaches, roleInOrganization } from '#pipelines/access/roles.ts'
import type { OrganizationId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import { Problem } from '../problem.ts'

/** The organization that is there from the start, for those who need no second one. */
export const DEFAULT_ORGANIZATION = 'default'

const named = (db: Db, name: string) => db.selectFrom('organizations').select('id').where('name', '=', name)

export async function defaultOrganization(db: Db): Promise<OrganizationId> {
  return (await named(db, DEFAULT_ORGANIZATION).executeTakeFirstOrThrow()).id
}

/**
 * The organization that somebody wants to add a project to.
 *
 * @throws {Problem} `organization-not-found`, also where they have no role in it; `not-allowed`, where theirs is too small.
 */
export async function organizationToAddTo(db: Db, access: Access, name: string): Promise<OrganizationId> {
  const row = await named(db, name).executeTakeFirst()
  const role = row ? roleInOrganization(access, row.id) : null
  if (!row || role === null)
    throw new Problem('organization-not-found', `there is no organization \`${name}\` that you belong to`)
  if (!reaches(role, 'maintainer'))
    throw new Problem(
      'not-allowed',
      `adding projects to ${name} needs the role maintainer, and yours is ${role}`,
    )
  return row.id
}
