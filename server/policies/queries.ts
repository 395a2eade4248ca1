import { sql } from 'kysely'
import type { OrganizationId, ProjectId, UserId } from '#pipelines/ids.ts'
import type { PolicyRules } from '#pipelines/policy/rules.ts'
import type { Db, Trx } from '../db/connect.ts'
import { toJson } from '../db/to-json.ts'
import { type Expected, mustBe } from '../http/expected-version.ts'

export type PoliciesRow = NonNullable<Awaited<ReturnType<typeof findPolicies>>>

export const findPolicies = (db: Db | Trx, organization: OrganizationId) =>
  db
    .selectFrom('policies')
    .leftJoin('users', 'users.id', 'policies.updated_by')
    .select(['policies.source', 'policies.rules', 'policies.version', 'policies.updated_at'])
    .select('users.name as updated_by')
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
  readonly expected: Expected
}

/** Set the policies in place of those that are there. @throws {Problem} `changed-meanwhile` where they are not those that were expected. */
export async function keepPolicies(
  db: Trx,
  { organization, source, rules, by, expected }: NewPolicies,
): Promise<{ readonly before: string | null }> {
  // The organization is there always, its policies maybe not yet: who saves at the same time waits here.
  await db.selectFrom('organizations').select('id').where('id', '=', organization).forUpdate().execute()
  const before = await findPolicies(db, organization)
  mustBe(expected, { version: before?.version ?? 0, what: 'the policies' })
  const fresh = { source, rules: toJson(rules), updated_by: by }
  await db
    .insertInto('policies')
    .values({ organization_id: organization, ...fresh })
    .onConflict((oc) =>
      oc.column('organization_id').doUpdateSet({
        ...fresh,
        version: sql<number>`policies.version + 1`,
        updated_at: sql<Date>`now()`,
      }),
    )
    .execute()
  return { before: before?.source ?? null }
}
