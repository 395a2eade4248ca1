import { createRoute, z } from '@hono/zod-openapi'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { json, routes } from '../http/kit.ts'
import { beginRotation, type KeyStanding, keyStanding, type Rotation } from './rotate.ts'

/** A change of key, and who does the rest of it. */
export type Rotating = Rotation & { readonly rewrap: () => void }

const SealingKey = z
  .object({
    mark: z.string().openapi({ description: 'Tells the key that seals from others, and nothing of it' }),
    since: z.iso.datetime(),
    from: z.enum(['setting', 'file']),
    sealed: z.number().int().openapi({ description: 'How much is sealed' }),
    waiting: z.number().int().openapi({ description: 'How much of it waits to be wrapped in this key' }),
    unknown: z
      .number()
      .int()
      .openapi({ description: 'How much was sealed with a key that is not known here' }),
  })
  .openapi('SealingKey')

const tags = ['Server']
const get = createRoute({
  method: 'get',
  path: '/server/key',
  tags,
  summary: 'The key that secrets are sealed with, and how far a change of it is',
  responses: { 200: json(SealingKey, 'As it stands') },
})
const rotate = createRoute({
  method: 'post',
  path: '/server/key/rotate',
  tags,
  summary: 'Change to a new key while everything runs: ask again where it was interrupted',
  responses: { 202: json(SealingKey, 'It is under way') },
})

/** The server’s own key. */
export const keyRoutes = ({ db, rotating }: { db: Db; rotating: Rotating }) =>
  routes()
    .openapi(get, async (c) => c.json(show(await keyStanding(db, rotating)), 200))
    .openapi(rotate, async (c) => {
      await transact(db, (tx) => beginRotation(tx, rotating))
      rotating.rewrap()
      return c.json(show(await keyStanding(db, rotating)), 202)
    })

const show = ({ since, ...standing }: KeyStanding): z.output<typeof SealingKey> => ({
  ...standing,
  since: since.toISOString(),
})
