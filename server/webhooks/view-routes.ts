import { createRoute, z } from '@hono/zod-openapi'
import { NAME } from '#pipelines/language/shape/scalars.ts'
import { type HookSender, senderSecret } from '../access/derive.ts'
import { theProject } from '../catalog/routes.ts'
import type { Db } from '../db/connect.ts'
import { json, routes } from '../http/kit.ts'

const SENDERS = ['github', 'gitlab', 'gitea', 'registry'] as const
const HOW: Readonly<Record<(typeof SENDERS)[number] | 'events', string>> = {
  github: 'Settings → Webhooks: content type application/json, the secret, and the events you want',
  gitlab: 'Settings → Webhooks: the secret as secret token, or as signing token, or as both',
  gitea: 'Settings → Webhooks → Gitea or Forgejo: POST, application/json, the secret',
  registry: 'Send the secret as `Authorization: Bearer …`, as a password, or as the header x-takt-token',
  events: 'Sign by the Standard Webhooks specification: webhook-id, webhook-timestamp, webhook-signature',
}

const ProjectHook = z
  .object({
    sender: z.enum([...SENDERS, 'events']),
    url: z.string(),
    secret: z.string(),
    how: z.string().openapi({ description: 'Where the two go, in words' }),
  })
  .openapi('ProjectHook')

const list = createRoute({
  method: 'get',
  path: '/projects/{project}/hooks',
  tags: ['Deliveries'],
  summary: 'The addresses at which others tell this project of something, each with its secret',
  request: {
    params: z.object({ project: z.string().max(100) }),
    query: z.object({
      source: z
        .string()
        .regex(NAME)
        .optional()
        .openapi({ description: 'A source of events of your own, as `event` resources name it' }),
    }),
  },
  responses: {
    200: json(
      z.object({ items: z.array(ProjectHook), next: z.null() }).openapi('ProjectHookList'),
      'One for each sender',
    ),
  },
})

type Deps = {
  readonly db: Db
  readonly publicUrl: () => string
  readonly secretKeys: () => readonly string[]
}

export const hookViewRoutes = ({ db, publicUrl, secretKeys }: Deps) =>
  routes().openapi(list, async (c) => {
    const { name } = await theProject(db, c.req.valid('param').project)
    const { source } = c.req.valid('query')
    const hook = (sender: HookSender, query = '') => ({
      url: `${publicUrl()}/hooks/${sender.replace(/\/.*/, '')}?project=${name}${query}`,
      secret: senderSecret(secretKeys()[0] ?? '', sender, name),
    })
    const items: z.output<typeof ProjectHook>[] = SENDERS.map((sender) => ({
      ...{ sender, ...hook(sender), how: HOW[sender] },
    }))
    if (source !== undefined)
      items.push({ sender: 'events', ...hook(`events/${source}`, `&source=${source}`), how: HOW.events })
    return c.json({ items, next: null }, 200)
  })
