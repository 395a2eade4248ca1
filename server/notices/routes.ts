import { createRoute, z } from '@hono/zod-openapi'
import type { NoticeMessageId } from '#pipelines/ids.ts'
import { theProject } from '../catalog/routes.ts'
import type { Db } from '../db/connect.ts'
import { json, routes } from '../http/kit.ts'
import { thePipeline } from '../lines/the-place.ts'
import { Problem } from '../problem.ts'
import { findNotices, listRules } from './find-notices.ts'
import { retryNotice, tryRule } from './by-hand.ts'
import { Notice, NoticeList, NoticeRules } from './shapes.ts'

const tags = ['Notices']
const name = z.string().max(100)
const number = z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER)
const messageId = number.transform((id) => id as NoticeMessageId)

const list = createRoute({
  method: 'get',
  path: '/projects/{project}/notices',
  tags,
  summary: 'What people were told, newest first, and what did not arrive',
  request: {
    params: z.object({ project: name }),
    query: z.object({
      pipeline: name.optional(),
      state: z.enum(['waiting', 'sent', 'dead']).optional(),
      before: messageId.optional().openapi({ type: 'integer' }),
      limit: z.coerce.number().int().min(1).max(100).default(50),
    }),
  },
  responses: { 200: json(NoticeList, 'A page of messages') },
})
const retry = createRoute({
  method: 'post',
  path: '/projects/{project}/notices/{id}/retry',
  tags,
  summary: 'Send a message again that was given up, or now one that waits',
  request: {
    params: z.object({
      project: name,
      id: messageId.openapi({ param: { in: 'path', name: 'id' }, type: 'integer' }),
    }),
  },
  responses: { 200: json(Notice, 'The message') },
})
const PIPELINE = '/projects/{project}/pipelines/{pipeline}'
const rules = createRoute({
  method: 'get',
  path: `${PIPELINE}/notify`,
  tags,
  summary: 'Who is told of what, as the default branch’s file says, and what is missing for it',
  request: { params: z.object({ project: name, pipeline: name }) },
  responses: { 200: json(NoticeRules, 'In the order of the file') },
})
const test = createRoute({
  method: 'post',
  path: `${PIPELINE}/notify/{index}/test`,
  tags,
  summary: 'Send a test to every place of a rule; GET notices tells what came of it',
  request: {
    params: z.object({
      project: name,
      pipeline: name,
      index: z.coerce
        .number()
        .int()
        .min(0)
        .max(100)
        .openapi({ param: { in: 'path', name: 'index' }, type: 'integer' }),
    }),
  },
  responses: { 202: json(z.object({ items: z.array(Notice), next: z.null() }), 'The messages') },
})

/** What people are told where they are, and what did not arrive. */
export const noticeRoutes = ({ db, sendsMail }: { db: Db; sendsMail: boolean }) =>
  routes()
    .openapi(list, async (c) => {
      const { id } = await theProject(db, c.req.valid('param').project)
      const filter = c.req.valid('query')
      const items = await findNotices(db, id, filter)
      const last = items.at(-1)
      return c.json({ items, next: last && items.length === filter.limit ? String(last.id) : null }, 200)
    })
    .openapi(retry, async (c) => {
      const { project, id } = c.req.valid('param')
      const found = await theProject(db, project)
      const [before] = await findNotices(db, found.id, { id, limit: 1 })
      if (!before) throw new Problem('notice-not-found', `${project} has no notice ${id}`)
      await retryNotice(db, { project, pipeline: before.pipeline, id })
      const [notice = before] = await findNotices(db, found.id, { id, limit: 1 })
      return c.json(notice, 200)
    })
    .openapi(rules, async (c) => {
      const at = c.req.valid('param')
      const items = await listRules(db, await thePipeline(db, at.project, at.pipeline), { sendsMail })
      return c.json({ items, next: null }, 200)
    })
    .openapi(test, async (c) => {
      const { project, pipeline, index } = c.req.valid('param')
      const place = await thePipeline(db, project, pipeline)
      const ids = await tryRule(db, place, index)
      const items = await Promise.all(ids.map((id) => findNotices(db, place.project_id, { id, limit: 1 })))
      return c.json({ items: items.flat(), next: null }, 202)
    })
