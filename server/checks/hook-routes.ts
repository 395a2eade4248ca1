import { Hono } from 'hono'
import { resourceSecret, sameSecret } from '../access/derive.ts'
import type { Db } from '../db/connect.ts'
import { atMost } from '../http/guard.ts'
import { thePipeline, theResource } from '../lines/the-place.ts'
import { Problem } from '../problem.ts'
import { checkNow } from './check-now.ts'

/** What is sent along is not read: it only says that there is something to look for. */
const MOST_BYTES = 1024 * 1024

/** `/hooks/resources`: whoever has a resource's token says that it may have something new. */
export const resourceHookRoutes = ({ db, secretKeys }: { db: Db; secretKeys: () => readonly string[] }) =>
  new Hono().post('/resources/:project/:pipeline/:resource', atMost(MOST_BYTES), async (c) => {
    const at = c.req.param()
    // Never in the query: addresses are written into logs on the way.
    const token = c.req.header('x-takt-token') ?? ''
    // A stranger learns nothing of which resources there are.
    if (!secretKeys().some((key) => sameSecret(token, resourceSecret(key, at))))
      throw new Problem('bad-signature', 'send the token of this resource as `x-takt-token`')
    const pipeline = await thePipeline(db, at.project, at.pipeline)
    const { id } = await theResource(db, pipeline, at.resource)
    return c.json({ checking: await checkNow(db, id) }, 202)
  })
