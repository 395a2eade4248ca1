import type { ExpressionBuilder } from 'kysely'
import type { Role } from '#pipelines/access/roles.ts'
import type { OrganizationId, ProjectId, TeamId, UserId } from '#pipelines/ids.ts'
import { audited } from '../audit/on-record.ts'
import type { Schema } from '../db/schema.ts'
import type { Tx } from '../db/transact.ts'

/** A person or a team, in all of an organization or, with a project, in that one. */
export type GrantPlace = {
  readonly organization: OrganizationId
  readonly project: ProjectId | null
  readonly holder: { readonly user: UserId } | { readonly team: TeamId }
}

const holderOf = (holder: GrantPlace['holder']) => ({
  user_id: 'user' in holder ? holder.user : null,
  team_id: 'team' in holder ? holder.team : null,
})

/** Give a role, in place of the one that was held there. Whoever watches is asked about again. */
export async function setGrant(tx: Tx, place: GrantPlace, role: Role): Promise<void> {
  const { organization, project, holder } = place
  const before = await tx.db
    .selectFrom('grants')
    .select('role')
    .where(at(place))
    .forUpdate()
    .executeTakeFirst()
  await tx.db
    .insertInto('grants')
    .values({ organization_id: organization, project_id: project, ...holderOf(holder), role })
    .onConflict((oc) =>
      oc.columns(['organization_id', 'project_id', 'user_id', 'team_id']).doUpdateSet({ role }),
    )
    .execute()
  audited({ before: before ?? null, after: { role } })
  tx.emit({ kind: 'access.changed' })
}

/** @returns Whether there was one to take. */
export async function takeGrant(tx: Tx, place: GrantPlace): Promise<boolean> {
  const before = await tx.db.deleteFrom('grants').where(at(place)).returning('role').executeTakeFirst()
  if (!before) return false
  audited({ before })
  tx.emit({ kind: 'access.changed' })
  return true
}

function at({ organization, project, holder }: GrantPlace) {
  const { user_id, team_id } = holderOf(holder)
  return (eb: ExpressionBuilder<Schema, 'grants'>) =>
    eb.and([
      eb('organization_id', '=', organization),
      eb('project_id', 'is not distinct from', project),
      eb('user_id', 'is not distinct from', user_id),
      eb('team_id', 'is not distinct from', team_id),
    ])
}
