import { Hono, type Context } from 'hono'
import { hookSecret } from '../access/derive.ts'
import { findProject } from '../catalog/queries.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { atMost } from '../http/guard.ts'
import { Problem } from '../problem.ts'
import { type NewDelivery, storeDelivery } from './receive.ts'
import { POST_RECEIVE } from './post-receive.ts'
import { verifySignature } from './signature.ts'

/** GitHub's own cap for a delivery. */
const MOST_BYTES = 25 * 1024 * 1024
const WORD = /^[\w.:-]{1,100}$/

type Deps = { db: Db; githubSecret: string | undefined; secretKeys: () => readonly string[] }

/** `/hooks`: deliveries are verified, stored, answered with 202, and only then looked at. */
export const hookRoutes = ({ db, githubSecret, secretKeys }: Deps) =>
  new Hono()
    .get('/git/post-receive', (c) =>
      c.text(POST_RECEIVE, 200, { 'content-type': 'text/x-shellscript; charset=utf-8' }),
    )
    .use(atMost(MOST_BYTES))
    .post('/github', async (c) => {
      if (!githubSecret)
        throw new Problem(
          'hook-not-configured',
          'set GITHUB_WEBHOOK_SECRET on the server and in the webhook on GitHub',
        )
      const body = await jsonBytes(c)
      const signature = await verifySignature([githubSecret], body, c.req.header('x-hub-signature-256'))
      const deliveryId = word(c, 'x-github-delivery')
      return store(c, db, {
        source: 'github',
        deliveryId,
        signature,
        event: word(c, 'x-github-event'),
        repository: null,
        body,
      })
    })
    .post('/git', async (c) => {
      const name = c.req.query('project') ?? ''
      const body = await jsonBytes(c)
      const signature = await verifySignature(
        secretKeys().map((key) => hookSecret(key, name)),
        body,
        c.req.header('x-takt-signature'),
      )
      const project = await findProject(db, name)
      if (!project) throw new Problem('project-not-found', `there is no project \`${name}\``)
      const deliveryId = word(c, 'x-takt-delivery')
      return store(c, db, {
        source: 'git',
        deliveryId,
        signature,
        event: 'push',
        repository: project.repository_id,
        body,
      })
    })

async function jsonBytes(c: Context): Promise<Buffer> {
  const type = (c.req.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json')
    throw new Problem('wrong-content-type', `\`${type || 'none'}\`; send application/json`)
  return Buffer.from(await c.req.arrayBuffer())
}

function word(c: Context, header: string): string {
  const value = c.req.header(header) ?? ''
  if (!WORD.test(value))
    throw new Problem(
      'invalid-request',
      `the header ${header} must be one word of letters, digits, -, _, : and .`,
    )
  return value
}

async function store(c: Context, db: Db, delivery: NewDelivery) {
  const id = await transact(db, (tx) => storeDelivery(tx, delivery))
  return c.json({ delivery: id, duplicate: id === null }, 202)
}
