import { createRoute, z } from '@hono/zod-openapi'
import { type Access, reaches, roleInOrganization } from '#pipelines/access/roles.ts'
import { audited } from '../audit/on-record.ts'
import type { Db } from '../db/connect.ts'
import { transact, type Tx } from '../db/transact.ts'
import { body, json, routes } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { theOrganization, theProjectPlace } from './queries.ts'

const ProjectSettings = z
  .object({ public: z.boolean(), organization: z.string().max(100) })
  .openapi('ProjectSettings')

const set = createRoute({
  method: 'patch',
  path: '/projects/{project}/settings',
  tags: ['Projects'],
  summary: 'Say who may look at a project, or move it to another organization',
  description: 'Roles that teams of the old organization had in the project end with the move.',
  request: { params: z.object({ project: z.string().max(100) }), body: body(ProjectSettings.partial()) },
  responses: { 200: json(ProjectSettings, 'The settings as they are now') },
})

/** What is set of a project besides what its repository says. */
export const settingsRoute = ({ db }: { db: Db }) =>
  routes().openapi(set, async (c) => {
    const { project } = c.req.valid('param')
    const wanted = c.req.valid('json')
    await transact(db, async (tx) => {
      // so that what the audit log tells as before is what this replaces
      await tx.db.selectFrom('projects').select('id').where('name', '=', project).forNoKeyUpdate().execute()
      const at = await theProjectPlace(tx.db, project)
      if (wanted.organization !== undefined && wanted.organization !== at.name)
        await move(tx, c.get('access'), { project: at.project, to: wanted.organization })
      if (wanted.public !== undefined)
        await tx.db
          .updateTable('projects')
          .set({ public: wanted.public })
          .where('id', '=', at.project)
          .execute()
      audited({ before: settingsOf(at), after: settingsOf(await theProjectPlace(tx.db, project)) })
      tx.emit({ kind: 'access.changed' })
    })
    return c.json(settingsOf(await theProjectPlace(db, project)), 200)
  })

type Place = Awaited<ReturnType<typeof theProjectPlace>>

const settingsOf = (at: Place) => ({ public: at.public, organization: at.name })

type Move = { readonly project: Place['project']; readonly to: string }

async function move(tx: Tx, access: Access, { project, to }: Move): Promise<void> {
  const { id } = await theOrganization(tx.db, to)
  const role = roleInOrganization(access, id)
  if (role === null)
    throw new Problem('organization-not-found', `there is no organization \`${to}\` that you belong to`)
  if (!reaches(role, 'admin'))
    throw new Problem(
      'not-allowed',
      `moving a project to ${to} needs the role admin there, and yours is ${role}`,
    )
  const grants = tx.db.deleteFrom('grants').where('project_id', '=', project).where('team_id', 'is not', null)
  await grants.execute()
  await tx.db.updateTable('grants').set({ organization_id: id }).where('project_id', '=', project).execute()
  await tx.db.updateTable('projects').set({ organization_id: id }).where('id', '=', project).execute()
}
