import { z } from '@hono/zod-openapi'
import type { UserId } from '#pipelines/ids.ts'
import type { Db, Trx } from '../db/connect.ts'

export const Me = z
  .object({
    name: z.string(),
    role: z.enum(['admin', 'member']),
    kind: z.enum(['person', 'service']),
    email: z.string().nullable(),
    has_password: z.boolean(),
    linked: z.int().openapi({ description: 'How many logins elsewhere open the account' }),
  })
  .openapi('Me')

/** What somebody is told of themselves. */
export async function meOf(db: Db | Trx, user: UserId): Promise<z.output<typeof Me>> {
  const { phc, linked, ...me } = await db
    .selectFrom('users')
    .leftJoin('passwords', 'passwords.user_id', 'users.id')
    .select(['users.name', 'users.role', 'users.kind', 'users.email', 'passwords.phc'])
    .select((eb) =>
      eb
        .selectFrom('identities')
        .select(({ fn }) => fn.countAll<string>().as('count'))
        .whereRef('identities.user_id', '=', 'users.id')
        .as('linked'),
    )
    .where('users.id', '=', user)
    .executeTakeFirstOrThrow()
  return { ...me, has_password: phc !== null, linked: Number(linked ?? 0) }
}
