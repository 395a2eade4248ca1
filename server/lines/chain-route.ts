import { createRoute } from '@hono/zod-openapi'
import type { Db } from '../db/connect.ts'
import { json, routes } from '../http/kit.ts'
import { theRun, WithRunId } from '../runs/routes.ts'
import { chainOf } from './chain.ts'
import { Chain } from './chain-shapes.ts'

const chain = createRoute({
  method: 'get',
  path: '/runs/{id}/chain',
  tags: ['Runs'],
  summary: 'The run and the runs that led to it, with the times that each of them waited and ran',
  request: { params: WithRunId },
  responses: { 200: json(Chain, 'The chain') },
})

export const chainRoute = ({ db }: { db: Db }) =>
  routes().openapi(chain, async (c) => {
    const { id } = c.req.valid('param')
    await theRun(db, id)
    return c.json({ run: id, items: await chainOf(db, id) }, 200)
  })
