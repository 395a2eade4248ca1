import { sql } from 'kysely'
import { type Access, isSiteAdmin, roleInOrganization } from '#pipelines/access/roles.ts'
import type { OrganizationId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import type { EntryRow } from './entry.ts'

/** Which entries somebody may read: all, or those of the organizations that they are an admin of. */
export type Reach = 'all' | readonly OrganizationId[]

export const reachOf = (access: Access): Reach =>
  isSiteAdmin(access)
    ? 'all'
    : [...access.organizations.keys()].filter((id) => roleInOrganization(access, id) === 'admin')

export type Wanted = {
  readonly actor?: string | undefined
  /** An action, or the beginning of one up to its dot: `run.` */
  readonly action?: string | undefined
  readonly project?: string | undefined
  readonly organization?: string | undefined
  readonly outcome?: EntryRow['outcome'] | undefined
  readonly since?: string | undefined
  readonly until?: string | undefined
}

export type FoundEntry = EntryRow & { readonly organization: string | null }

/** @param after  The page behind this entry: of what is older, or, `upwards`, of what is newer. */
export type Cut = { readonly after: number | null; readonly limit: number; readonly upwards?: true }

/** Entries that somebody may read and wants, newest first; oldest first `upwards`. */
export function findEntries(
  db: Db,
  reach: Reach,
  { wanted, cut }: { wanted: Wanted; cut: Cut },
): Promise<FoundEntry[]> {
  const { actor, action, project, organization, outcome, since, until } = wanted
  const up = cut.upwards === true
  let query = db
    .selectFrom('audit_entries')
    .leftJoin('organizations', 'organizations.id', 'audit_entries.organization_id')
    .selectAll('audit_entries')
    .select('organizations.name as organization')
    .orderBy('audit_entries.id', up ? 'asc' : 'desc')
    .limit(cut.limit)
  if (reach !== 'all')
    query = query.where(sql<boolean>`audit_entries.organization_id = any(${[...reach]}::bigint[])`)
  if (cut.after !== null) query = query.where('audit_entries.id', up ? '>' : '<', cut.after)
  if (actor !== undefined) query = query.where('actor', '=', actor)
  if (action?.endsWith('.')) query = query.where(sql<boolean>`starts_with(action, ${action})`)
  else if (action !== undefined) query = query.where('action', '=', action)
  if (project !== undefined) query = query.where('project', '=', project)
  if (organization !== undefined) query = query.where('organizations.name', '=', organization)
  if (outcome !== undefined) query = query.where('outcome', '=', outcome)
  if (since !== undefined) query = query.where('at', '>=', new Date(since))
  if (until !== undefined) query = query.where('at', '<', new Date(until))
  return query.execute()
}
