import { createRoute, z } from '@hono/zod-openapi'
import { NAME } from '#pipelines/language/schema.ts'
import { DEFAULT_ORGANIZATION } from '../catalog/organizations.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { body, json, routes } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { listOrganizations, theOrganization } from './queries.ts'
import { Organization, OrganizationList } from './shapes.ts'

const tags = ['Organizations']
const ByName = z.object({ organization: z.string().max(100) })
const New = z
  .object({ name: z.string().regex(NAME, { error: 'a name has 1 to 100 characters out of a-z, 0-9 and -' }) })
  .openapi('NewOrganization')

const list = createRoute({
  method: 'get',
  path: '/organizations',
  tags,
  summary: 'The organizations that you belong to',
  responses: { 200: json(OrganizationList, 'By name') },
})
const add = createRoute({
  method: 'post',
  path: '/organizations',
  tags,
  summary: 'Add an organization',
  request: { body: body(New) },
  responses: { 201: json(Organization, 'The organization') },
})
const get = createRoute({
  method: 'get',
  path: '/organizations/{organization}',
  tags,
  summary: 'One organization',
  request: { params: ByName },
  responses: { 200: json(Organization, 'The organization') },
})
const remove = createRoute({
  method: 'delete',
  path: '/organizations/{organization}',
  tags,
  summary: 'Remove an organization that has no project any more',
  request: { params: ByName },
  responses: { 204: { description: 'It is gone, its teams and roles with it' } },
})

/** Organizations themselves; who belongs to them is said beside. */
export function organizationRoutes({ db }: { db: Db }) {
  const shown = async (access: Parameters<typeof listOrganizations>[1], name: string) => {
    const found = (await listOrganizations(db, access)).find((each) => each.name === name)
    if (!found) throw new Problem('organization-not-found', `there is no organization \`${name}\``)
    return found
  }
  return routes()
    .openapi(list, async (c) =>
      c.json({ items: await listOrganizations(db, c.get('access')), next: null }, 200),
    )
    .openapi(add, async (c) => {
      const { name } = c.req.valid('json')
      await transact(db, async (tx) => {
        const { numInsertedOrUpdatedRows } = await tx.db
          .insertInto('organizations')
          .values({ name })
          .onConflict((oc) => oc.column('name').doNothing())
          .executeTakeFirst()
        if (numInsertedOrUpdatedRows === 0n)
          throw new Problem('organization-exists', `\`${name}\` is taken; choose another name`)
      })
      return c.json(await shown(c.get('access'), name), 201)
    })
    .openapi(get, async (c) => c.json(await shown(c.get('access'), c.req.valid('param').organization), 200))
    .openapi(remove, async (c) => {
      const { organization } = c.req.valid('param')
      await transact(db, async (tx) => {
        const { id } = await theOrganization(tx.db, organization)
        if (organization === DEFAULT_ORGANIZATION)
          throw new Problem(
            'organization-in-use',
            `${organization} stays: projects that name no organization go there`,
          )
        const left = await tx.db
          .selectFrom('projects')
          .select('name')
          .where('organization_id', '=', id)
          .limit(3)
          .execute()
        if (left.length > 0)
          throw new Problem(
            'organization-in-use',
            `${organization} still has projects (${left.map(({ name }) => name).join(', ')}); move them to another one first`,
          )
        await tx.db.deleteFrom('organizations').where('id', '=', id).execute()
        tx.emit({ kind: 'access.changed' })
      })
      return c.body(null, 204)
    })
}
