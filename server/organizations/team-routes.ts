import { createRoute, z } from '@hono/zod-openapi'
import type { TeamId } from '#pipelines/ids.ts'
import { NAME } from '#pipelines/language/schema.ts'
import { rolesOf } from '../access/grants.ts'
import { audited } from '../audit/on-record.ts'
import type { Db, Trx } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { json, routes } from '../http/kit.ts'
import { listTeams, teamNamed, theOrganization, userNamed } from './queries.ts'
import { TeamList } from './shapes.ts'

const tags = ['Organizations']
const organization = z.object({ organization: z.string().max(100) })
const team = organization.extend({
  team: z.string().regex(NAME, { error: 'a name has 1 to 100 characters out of a-z, 0-9 and -' }),
})
const member = team.extend({ name: z.string().min(1).max(100) })
const TEAMS = '/organizations/{organization}/teams'
const now = { 200: json(TeamList, 'The teams as they are now, by name') }

const list = createRoute({
  method: 'get',
  path: TEAMS,
  tags,
  summary: 'The teams of an organization and who is in them',
  request: { params: organization },
  responses: now,
})
const add = createRoute({
  method: 'put',
  path: `${TEAMS}/{team}`,
  tags,
  summary: 'Add a team; one that is there stays as it is',
  request: { params: team },
  responses: now,
})
const remove = createRoute({
  method: 'delete',
  path: `${TEAMS}/{team}`,
  tags,
  summary: 'Remove a team, and what its members could do by it',
  request: { params: team },
  responses: now,
})
const join = createRoute({
  method: 'put',
  path: `${TEAMS}/{team}/people/{name}`,
  tags,
  summary: 'Put somebody into a team',
  request: { params: member },
  responses: now,
})
const leave = createRoute({
  method: 'delete',
  path: `${TEAMS}/{team}/people/{name}`,
  tags,
  summary: 'Take somebody out of a team',
  request: { params: member },
  responses: now,
})

/** Teams: people who have their roles together. */
export function teamRoutes({ db }: { db: Db }) {
  const teams = async (of: string) => ({
    items: await listTeams(db, (await theOrganization(db, of)).id),
    next: null,
  })
  return routes()
    .openapi(list, async (c) => c.json(await teams(c.req.valid('param').organization), 200))
    .openapi(add, async (c) => {
      const at = c.req.valid('param')
      await transact(db, async (tx) => {
        const { id } = await theOrganization(tx.db, at.organization)
        const { numInsertedOrUpdatedRows } = await tx.db
          .insertInto('teams')
          .values({ organization_id: id, name: at.team })
          .onConflict((oc) => oc.columns(['organization_id', 'name']).doNothing())
          .executeTakeFirst()
        if (numInsertedOrUpdatedRows) audited({ after: { members: [], roles: [] } })
      })
      return c.json(await teams(at.organization), 200)
    })
    .openapi(remove, async (c) => {
      const at = c.req.valid('param')
      await transact(db, async (tx) => {
        const id = await teamNamed(tx.db, await theOrganization(tx.db, at.organization), at.team)
        audited({ before: await belongings(tx.db, id) })
        await tx.db.deleteFrom('teams').where('id', '=', id).execute()
        tx.emit({ kind: 'access.changed' })
      })
      return c.json(await teams(at.organization), 200)
    })
    .openapi(join, async (c) => {
      const at = c.req.valid('param')
      await transact(db, async (tx) => {
        const team_id = await teamNamed(tx.db, await theOrganization(tx.db, at.organization), at.team)
        const user_id = await userNamed(tx.db, at.name)
        const { numInsertedOrUpdatedRows } = await tx.db
          .insertInto('team_members')
          .values({ team_id, user_id })
          .onConflict((oc) => oc.doNothing())
          .executeTakeFirst()
        if (numInsertedOrUpdatedRows) audited({ before: { member: false }, after: { member: true } })
        tx.emit({ kind: 'access.changed' })
      })
      return c.json(await teams(at.organization), 200)
    })
    .openapi(leave, async (c) => {
      const at = c.req.valid('param')
      await transact(db, async (tx) => {
        const team_id = await teamNamed(tx.db, await theOrganization(tx.db, at.organization), at.team)
        const user_id = await userNamed(tx.db, at.name)
        const { numDeletedRows } = await tx.db
          .deleteFrom('team_members')
          .where('team_id', '=', team_id)
          .where('user_id', '=', user_id)
          .executeTakeFirst()
        if (numDeletedRows) audited({ before: { member: true }, after: { member: false } })
        tx.emit({ kind: 'access.changed' })
      })
      return c.json(await teams(at.organization), 200)
    })
}

/** What ends with a team, as the audit log tells it: who is in it, and its roles. */
async function belongings(db: Trx, team: TeamId) {
  const members = await db
    .selectFrom('team_members')
    .innerJoin('users', 'users.id', 'team_members.user_id')
    .select('users.name')
    .where('team_id', '=', team)
    .orderBy('users.name')
    .execute()
  return { members: members.map(({ name }) => name), roles: await rolesOf(db, { team }) }
}
