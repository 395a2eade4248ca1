import type { OrganizationId, ProjectId } from '#pipelines/ids.ts'
import type { Db, Trx } from '../db/connect.ts'
import type { Holder } from './stores/reference.ts'

type Ids = { readonly project_id: ProjectId | null; readonly organization_id: OrganizationId | null }

/** Whose secrets these are, by the names that stand in the names of stores. */
export async function holderOf(db: Db | Trx, { project_id, organization_id }: Ids): Promise<Holder> {
  if (project_id === null) {
    const { name } = await db
      .selectFrom('organizations')
      .select('name')
      .where('id', '=', organization_id)
      .executeTakeFirstOrThrow()
    return { organization: name, project: null }
  }
  return db
    .selectFrom('projects')
    .innerJoin('organizations', 'organizations.id', 'projects.organization_id')
    .select(['projects.name as project', 'organizations.name as organization'])
    .where('projects.id', '=', project_id)
    .executeTakeFirstOrThrow()
}
