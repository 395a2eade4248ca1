import { z } from '@hono/zod-openapi'
import { ROLES } from '#pipelines/access/roles.ts'

export const RoleName = z.enum(ROLES)

export const Organization = z
  .object({
    name: z.string(),
    role: RoleName.nullable().openapi({
      description: 'Your own role in all of it; null where you have one in some project only',
    }),
    projects: z.array(z.string()).openapi({ description: 'Those that you see, by name' }),
    created_at: z.iso.datetime(),
  })
  .openapi('Organization')
export const OrganizationList = z.object({ items: z.array(Organization), next: z.null() })

/** One role of a person or a team, in an organization or in one project of it. */
export const Member = z
  .object({
    kind: z.enum(['person', 'service', 'team']),
    name: z.string(),
    role: RoleName,
    project: z.string().nullable().openapi({ description: 'Null: in all of the organization' }),
    since: z.iso.datetime(),
  })
  .openapi('Member')
export const MemberList = z.object({ items: z.array(Member), next: z.null() })

export const Team = z
  .object({ name: z.string(), members: z.array(z.string()).openapi({ description: 'By name' }) })
  .openapi('Team')
export const TeamList = z.object({ items: z.array(Team), next: z.null() })
