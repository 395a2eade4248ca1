import { createRoute, z } from '@hono/zod-openapi'
import { sql } from 'kysely'
import type { ProjectId } from '#pipelines/ids.ts'
import { audited } from '../audit/on-record.ts'
import { theProject } from '../catalog/routes.ts'
import type { Db, Trx } from '../db/connect.ts'
import { toJson } from '../db/to-json.ts'
import { transact } from '../db/transact.ts'
import { body, json, routes } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { unfitAddress, unfitServiceHeader } from './fit-services.ts'
import { Service, ServiceList, serviceName, ServiceSaid } from './services-shapes.ts'

const tags = ['Services']
const ofProject = z.object({ project: z.string().max(100) })
const ofService = ofProject.extend({ service: serviceName })
const PATH = '/projects/{project}/services/{service}'
const MOST_SERVICES = 200
const MOST_HEADERS = 20

const list = createRoute({
  method: 'get',
  path: '/projects/{project}/services',
  tags,
  summary: 'The services that `call` steps of a project may call',
  request: { params: ofProject },
  responses: { 200: json(ServiceList, 'The services') },
})
const set = createRoute({
  method: 'put',
  path: PATH,
  tags,
  summary: 'Declare a service; its headers may name secrets of the project',
  request: { params: ofService, body: body(ServiceSaid) },
  responses: { 200: json(Service, 'The service') },
})
const remove = createRoute({
  method: 'delete',
  path: PATH,
  tags,
  summary: 'Call a service no more',
  request: { params: ofService },
  responses: { 204: { description: 'It is gone' } },
})

/** Where a project’s lines may call, and what opens it. */
export const serviceRoutes = ({ db }: { db: Db }) =>
  routes()
    .openapi(list, async (c) => {
      const { id } = await theProject(db, c.req.valid('param').project)
      return c.json({ items: await findServices(db, id) }, 200)
    })
    .openapi(set, async (c) => {
      const { project, service: name } = c.req.valid('param')
      const { url, headers } = fitting(c.req.valid('json'))
      const { id } = await theProject(db, project)
      const updated_by = c.get('user').id
      const shown = await transact(db, async (tx) => {
        const [before = null] = await findServices(tx.db, id, name)
        if (before === null) await mustFit(tx.db, id)
        const said = { url, headers: toJson(headers), updated_at: sql<Date>`now()`, updated_by }
        await tx.db
          .insertInto('services')
          .values({ project_id: id, name, ...said })
          .onConflict((oc) => oc.columns(['project_id', 'name']).doUpdateSet(said))
          .execute()
        const [after] = await findServices(tx.db, id, name)
        if (!after) throw new Error(`the service ${name} was set and is not there`)
        audited({ before, after })
        return after
      })
      return c.json(shown, 200)
    })
    .openapi(remove, async (c) => {
      const { project, service: name } = c.req.valid('param')
      const { id } = await theProject(db, project)
      await transact(db, async (tx) => {
        const [before] = await findServices(tx.db, id, name)
        if (!before) throw new Problem('service-not-found', `${project} declares no service \`${name}\``)
        audited({ before })
        await tx.db.deleteFrom('services').where('project_id', '=', id).where('name', '=', name).execute()
      })
      return c.body(null, 204)
    })

async function findServices(
  db: Db | Trx,
  project: ProjectId,
  name?: string,
): Promise<z.output<typeof Service>[]> {
  let services = db
    .selectFrom('services')
    .leftJoin('users', 'users.id', 'services.updated_by')
    .select(['services.name', 'services.url', 'services.headers', 'services.updated_at'])
    .select('users.name as updated_by')
    .where('services.project_id', '=', project)
  if (name !== undefined) services = services.where('services.name', '=', name)
  const rows = await services.orderBy('services.name').execute()
  return rows.map((row) => ({ ...row, updated_at: row.updated_at.toISOString() }))
}

/** @throws {Problem} `bad-service`. */
function fitting(said: z.output<typeof ServiceSaid>): z.output<typeof ServiceSaid> {
  const headers = Object.entries(said.headers)
  const tooMany =
    headers.length > MOST_HEADERS ? `there are ${headers.length} headers, and ${MOST_HEADERS} fit` : null
  const unfit = headers
    .map(([name, value]) => unfitServiceHeader(name, value))
    .find((words) => words !== null)
  const words = unfitAddress(said.url) ?? tooMany ?? unfit
  if (words !== null && words !== undefined) throw new Problem('bad-service', words)
  return said
}

/** @throws {Problem} `bad-service`. */
async function mustFit(db: Trx, project: ProjectId): Promise<void> {
  const { n } = await db
    .selectFrom('services')
    .select(sql<number>`count(*)::int`.as('n'))
    .where('project_id', '=', project)
    .executeTakeFirstOrThrow()
  if (n >= MOST_SERVICES)
    throw new Problem('bad-service', `a project declares at most ${MOST_SERVICES} services`)
}
