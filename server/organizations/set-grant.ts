import type { Role } from '#pipelines/access/roles.ts'
import type { OrganizationId, ProjectId, TeamId, UserId } from '#pipelines/ids.ts'
import type { Trx } from '../db/connect.ts'
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
export async function setGrant(
  tx: Tx,
  { organization, project, holder }: GrantPlace,
  role: Role,
): Promise<void> {
  await tx.db
    .insertInto('grants')
    .values({ organization_id: organization, project_id: project, ...holderOf(holder), role })
    .onConflict((oc) =>
      oc.columns(['organization_id', 'project_id', 'user_id', 'team_id']).doUpdateSet({ role }),
    )
    .execute()
  tx.emit({ kind: 'access.changed' })
}

/** @returns Whether there was one to take. */
export async function takeGrant(tx: Tx, place: GrantPlace): Promise<boolean> {
  const { numDeletedRows } = await at(tx.db, place).executeTakeFirst()
  if (numDeletedRows > 0n) tx.emit({ kind: 'access.changed' })
  return numDeletedRows > 0n
}

function at(db: Trx, { organization, project, holder }: GrantPlace) {
  const { user_id, team_id } = holderOf(holder)
  return db
    .deleteFrom('grants')
    .where('organization_id', '=', organization)
    .where('project_id', 'is not distinct from', project)
    .where('user_id', 'is not distinct from', user_id)
    .where('team_id', 'is not distinct from', team_id)
}
