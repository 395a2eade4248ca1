import { type Context, Hono } from 'hono'
import { NAME } from '#pipelines/language/shape/scalars.ts'
import { type HookSender, hookSecret, senderSecret } from '../access/derive.ts'
import { findProject, type ProjectRow } from '../catalog/queries.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { atMost } from '../http/guard.ts'
import { Problem } from '../problem.ts'
import { POST_RECEIVE } from './post-receive.ts'
import { type NewDelivery, storeDelivery } from './receive.ts'
import {
  keptHeaders,
  type Letter,
  openGitea,
  openGithub,
  openGitlab,
  openRegistry,
  openStandard,
  word,
} from './senders.ts'
import { verifySignature } from './signature.ts'

/** GitHub's own cap for a delivery. */
const MOST_BYTES = 25 * 1024 * 1024
const JSON_TYPE = /^application\/(json|[\w.+-]+\+json)$/

type Deps = {
  readonly db: Db
  readonly githubSecret: string | undefined
  readonly gitlabSecret: string | undefined
  readonly giteaSecret: string | undefined
  readonly secretKeys: () => readonly string[]
}

/** `/hooks`: deliveries are verified, stored, answered with 202, and only then looked at. */
export const hookRoutes = ({ db, githubSecret, gitlabSecret, giteaSecret, secretKeys }: Deps) => {
  const forge = (
    source: 'github' | 'gitlab' | 'gitea',
    open: typeof openGithub,
    own: { secret: string | undefined; setting: string },
  ) =>
    async function tellByForge(c: Context) {
      const letter = await letterOf(c)
      const name = c.req.query('project')
      const secrets = name === undefined ? serversOwn(own) : projectsOwn(secretKeys(), source, name)
      const envelope = await open(letter, secrets)
      const project = name === undefined ? {} : { project: (await theProject(db, name)).id }
      return store(c, db, { source, ...envelope, ...project, repository: null, body: letter.body })
    }
  return new Hono()
    .get('/git/post-receive', (c) =>
      c.text(POST_RECEIVE, 200, { 'content-type': 'text/x-shellscript; charset=utf-8' }),
    )
    .use(atMost(MOST_BYTES))
    .post('/github', forge('github', openGithub, { secret: githubSecret, setting: 'GITHUB_WEBHOOK_SECRET' }))
    .post('/gitlab', forge('gitlab', openGitlab, { secret: gitlabSecret, setting: 'GITLAB_WEBHOOK_SECRET' }))
    .post('/gitea', forge('gitea', openGitea, { secret: giteaSecret, setting: 'GITEA_WEBHOOK_SECRET' }))
    .post('/git', async (c) => {
      const name = c.req.query('project') ?? ''
      const letter = await letterOf(c)
      const secrets = secretKeys().map((key) => hookSecret(key, name))
      const signature = await verifySignature(secrets, letter.body, letter.header('x-takt-signature'))
      const project = await theProject(db, name)
      return store(c, db, {
        ...{ source: 'git', deliveryId: word(letter, 'x-takt-delivery'), signature, event: 'push' },
        ...{ repository: project.repository_id, project: project.id, body: letter.body },
      })
    })
    .post('/events', async (c) => {
      const source = c.req.query('source') ?? ''
      if (!NAME.test(source))
        throw new Problem('invalid-request', 'name the source of the event in the address: `?source=tracker`')
      return tellProjectOf(c, db, { sender: `events/${source}`, source: 'events', event: source, secretKeys })
    })
    .post('/registry', (c) =>
      tellProjectOf(c, db, { sender: 'registry', source: 'registry', event: 'push', secretKeys }),
    )
}

type ToProject = {
  readonly sender: HookSender
  readonly source: 'events' | 'registry'
  readonly event: string
  readonly secretKeys: Deps['secretKeys']
}

/** What is told to one project, and to nobody else: two projects may be told things of the same number. */
async function tellProjectOf(c: Context, db: Db, { sender, source, event, secretKeys }: ToProject) {
  const name = c.req.query('project') ?? ''
  const letter = await letterOf(c)
  const open = source === 'events' ? openStandard : openRegistry
  const envelope = await open(letter, projectsOwn(secretKeys(), sender, name))
  const { id } = await theProject(db, name)
  return store(c, db, {
    ...{ source, event, signature: envelope.signature, repository: null, project: id, body: letter.body },
    deliveryId: `${name}/${event}/${envelope.deliveryId}`,
  })
}

const projectsOwn = (keys: readonly string[], sender: HookSender, project: string): string[] =>
  keys.map((key) => senderSecret(key, sender, project))

function serversOwn({ secret, setting }: { secret: string | undefined; setting: string }): string[] {
  if (secret) return [secret]
  throw new Problem(
    'hook-not-configured',
    `set ${setting} on the server and in the webhook, or use a project's own address and secret: \`takt hook PROJECT\` shows them`,
  )
}

/** Asked for only when its secret was shown: a stranger learns nothing of which projects there are. */
async function theProject(db: Db, name: string): Promise<ProjectRow> {
  const project = await findProject(db, name)
  if (!project) throw new Problem('project-not-found', `there is no project \`${name}\``)
  return project
}

async function letterOf(c: Context): Promise<Letter> {
  const type = (c.req.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  if (!JSON_TYPE.test(type))
    throw new Problem('wrong-content-type', `\`${type || 'none'}\`; send application/json`)
  return { header: (name) => c.req.header(name), body: Buffer.from(await c.req.arrayBuffer()) }
}

async function store(c: Context, db: Db, delivery: NewDelivery) {
  const kept = { ...delivery, headers: keptHeaders(c.req.raw.headers) }
  const id = await transact(db, (tx) => storeDelivery(tx, kept))
  return c.json({ delivery: id, duplicate: id === null }, 202)
}
