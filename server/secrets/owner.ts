import type { ExpressionBuilder } from 'kysely'
import type { OrganizationId, ProjectId } from '#pipelines/ids.ts'
import type { Candidate, Scope } from '#pipelines/plan/secret-scopes.ts'
import type { Schema } from '../db/schema.ts'
import type { Place } from './seal.ts'

/** Whose secrets are meant: a project's, or those of an organization, which all of its projects may use. */
export type Owner =
  | { readonly project_id: ProjectId; readonly organization_id: null }
  | { readonly project_id: null; readonly organization_id: OrganizationId }

export const ofProject = (id: ProjectId): Owner => ({ project_id: id, organization_id: null })
export const ofOrganization = (id: OrganizationId): Owner => ({ project_id: null, organization_id: id })

/** A project's own secrets, and those that its organization shares with it. */
export const reachedBy = (project: ProjectId) => (eb: ExpressionBuilder<Schema, 'secrets'>) =>
  eb.or([
    eb('project_id', '=', project),
    eb(
      'organization_id',
      '=',
      eb.selectFrom('projects').select('projects.organization_id').where('projects.id', '=', project),
    ),
  ])

type Row = Scope & {
  readonly project_id: ProjectId | null
  readonly organization_id: OrganizationId | null
  readonly name: string
}

/** What the value of a secret is bound to: whose it is, its name, and all that it is for. */
export function placeOf({ project_id, organization_id, name, ...scope }: Row): Place {
  const { environment, job, trigger, branch } = scope
  const narrowed = [environment, job, trigger, branch]
  const plain = project_id !== null && narrowed.every((each) => each === null)
  // A project's plain secret is bound as it was before there were others.
  const bound = plain ? [project_id, name] : [project_id, organization_id, name, ...narrowed]
  return { name, bound }
}

export const candidateOf = <R extends Row>(row: R): R & Candidate => ({
  ...row,
  owner: row.project_id === null ? ('organization' as const) : ('project' as const),
})
