import { createRoute, z } from '@hono/zod-openapi'
import { sql } from 'kysely'
import type { SourceEventId } from '#pipelines/ids.ts'
import { NAME } from '#pipelines/language/shape/scalars.ts'
import { audited } from '../audit/on-record.ts'
import { findProject } from '../catalog/queries.ts'
import type { Db, Trx } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { body, json, routes } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { EventList, Source, SourceList, SourceSaid } from './shapes.ts'
import { findEvents, findSources, type SourceRow } from './find-sources.ts'

const name = z.string().max(100)
const number = z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER)
const ofProject = z.object({ project: name })
const ofSource = ofProject.extend({ source: z.string().regex(NAME, { error: 'a name such as orders' }) })
const PATH = '/projects/{project}/sources/{source}'
const tags = ['Sources']

const list = createRoute({
  method: 'get',
  path: '/projects/{project}/sources',
  tags,
  summary: 'The streams that a project reads events from',
  request: { params: ofProject },
  responses: { 200: json(SourceList, 'The sources') },
})
const set = createRoute({
  method: 'put',
  path: PATH,
  tags,
  summary: 'Read events from a Redis stream or a Kafka topic; `event` resources name the source',
  request: { params: ofSource, body: body(SourceSaid) },
  responses: { 200: json(Source, 'The source') },
})
const remove = createRoute({
  method: 'delete',
  path: PATH,
  tags,
  summary: 'Read a stream no more, and forget what came of it',
  request: { params: ofSource },
  responses: { 204: { description: 'It is gone' } },
})
const events = createRoute({
  method: 'get',
  path: `${PATH}/events`,
  tags,
  summary: 'What a source handed out and what became of it, newest first; `state=dead` for dead letters',
  request: {
    params: ofSource,
    query: z.object({
      state: z.enum(['received', 'taken', 'ignored', 'dead']).optional(),
      before: number.optional().openapi({ description: '`next` of the page before', type: 'integer' }),
      limit: z.coerce.number().int().min(1).max(100).default(50),
    }),
  },
  responses: { 200: json(EventList, 'A page of events') },
})
const replay = createRoute({
  method: 'post',
  path: `${PATH}/events/{id}/replay`,
  tags,
  summary: 'Look at an event once more: a dead letter, or one that nobody asked for then',
  request: { params: ofSource.extend({ id: number.openapi({ type: 'integer' }) }) },
  responses: { 202: json(z.object({ id: z.number().int() }).openapi('EventReplayed'), 'It is looked at') },
})

/** @throws {Problem} `project-not-found`. */
async function theProject(db: Db | Trx, name: string) {
  const found = await findProject(db, name)
  if (!found) throw new Problem('project-not-found', `there is no project \`${name}\``)
  return found
}

/** Streams of others that a project listens to. */
export const sourceRoutes = ({ db }: { db: Db }) => {
  const theSource = async (trx: Db | Trx, at: z.output<typeof ofSource>): Promise<SourceRow> => {
    const project = await theProject(trx, at.project)
    const [found] = await findSources(trx, project.id, at.source)
    if (!found) throw new Problem('source-not-found', `\`${at.project}\` reads no source \`${at.source}\``)
    return found
  }
  return routes()
    .openapi(list, async (c) => {
      const project = await theProject(db, c.req.valid('param').project)
      return c.json({ items: (await findSources(db, project.id)).map(({ row, ...shown }) => shown) }, 200)
    })
    .openapi(set, async (c) => {
      const at = c.req.valid('param')
      const said = c.req.valid('json')
      await transact(db, async (tx) => {
        const project = await theProject(tx.db, at.project)
        const [before] = await findSources(tx.db, project.id, at.source)
        const { kind, login = null, addresses, stream, tls, from, field = null } = said
        const group = said.group ?? `takt-${at.project}`
        const settings = JSON.stringify({ addresses, tls, stream, group, from, field })
        // Whoever reads it by the old settings hears that it is theirs no more.
        const told = { kind, login, settings, lease_token: null, lease_until: sql<Date>`now()` }
        await tx.db
          .insertInto('sources')
          .values({ project_id: project.id, name: at.source, ...told, error: null, read_since: null })
          .onConflict((oc) =>
            oc
              .columns(['project_id', 'name'])
              .doUpdateSet({ ...told, error: null, failures: 0, read_since: null }),
          )
          .execute()
        audited({ before: before ? { ...before.row } : null, after: { kind, login, settings } })
        tx.emit({ kind: 'source.changed', project: at.project, source: at.source })
      })
      const { row, ...shown } = await theSource(db, at)
      return c.json(shown, 200)
    })
    .openapi(remove, async (c) => {
      await transact(db, async (tx) => {
        const found = await theSource(tx.db, c.req.valid('param'))
        audited({ before: { ...found.row } })
        tx.emit({ kind: 'source.changed', project: c.req.valid('param').project, source: found.name })
        await tx.db.deleteFrom('sources').where('id', '=', found.row.id).execute()
      })
      return c.body(null, 204)
    })
    .openapi(events, async (c) => {
      const { before, limit, state } = c.req.valid('query')
      const { row } = await theSource(db, c.req.valid('param'))
      const asked = { source: row.id, state, before: before as SourceEventId | undefined, limit }
      const items = await findEvents(db, asked)
      const last = items.at(-1)
      return c.json({ items, next: last && items.length === limit ? String(last.id) : null }, 200)
    })
    .openapi(replay, async (c) => {
      const { id, ...at } = c.req.valid('param')
      await transact(db, async (tx) => {
        const { row } = await theSource(tx.db, at)
        const again = await tx.db
          .updateTable('source_events')
          .set({
            state: 'received',
            attempts: 0,
            attempt_after: sql<Date>`now()`,
            reason: null,
            settled_at: null,
          })
          .where('id', '=', id as SourceEventId)
          .where('source_id', '=', row.id)
          .where('state', '<>', 'received')
          .returning('event')
          .executeTakeFirst()
        if (!again)
          throw new Problem('event-not-found', `\`${at.source}\` has no event ${id} that came to an end`)
        audited({ target: `${at.source} ${again.event}` })
        tx.emit({ kind: 'source.changed', project: at.project, source: at.source })
      })
      return c.json({ id }, 202)
    })
}
