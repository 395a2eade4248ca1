import { sql } from 'kysely'
import type { OrganizationId, ProjectId, UserId } from '#pipelines/ids.ts'
import type { PolicyRules } from '#pipelines/policy/rules.ts'
import type { Db, Trx } from '../db/connect.ts'
import { toJson } from '../db/to-json.ts'

export type PoliciesRow = NonNullable<Awaited<ReturnType<typeof findPolicies>>>

export const findPolicies = (db: Db | Trx, organization: OrganizationId) =>
  db
    .selectFrom('policies')
    .leftJoin('users', 'users.id', 'policies.updated_by')
    .select(['policies.source', 'policies.rules', 'policies.updated_at', 'users.name as updated_by'])
    .where('policies.organization_id', '=', organization)
    .executeTakeFirst()

export type Ruled = { readonly organization: OrganizationId; readonly rules: PolicyRules }

/** The rules for a project: its organization's. Null where there are none. */
export async function rulesFor(db: Db | Trx, project: ProjectId): Promise<Ruled | null> {
  const row = await db
    .selectFrom('projects')
    .innerJoin('policies', 'policies.organization_id', 'projects.organization_id')
    .select(['policies.organization_id as organization', 'policies.rules'])
    .where('projects.id', '=', project)
    .executeTakeFirst()
  return row && row.rules.length > 0 ? row : null
}

export type NewPolicies = {
  readonly organization: OrganizationId
  readonly source: string
  readonly rules: PolicyRules
  readonly by: UserId
}

export async function keepPolicies(db: Trx, { organization, source, rules, by }: NewPolicies): Promise<void> {
  const fresh = { source, rules: toJson(rules), updated_by: by }
  await db
    .insertInto('policies')
    .values({ organization_id: organization, ...fresh })
    .onConflict((oc) => oc.column('organization_id').doUpdateSet({ ...fresh, updated_at: sql<Date>`now()` }))
    .execute()
}
