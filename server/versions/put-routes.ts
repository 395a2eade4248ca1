import { Hono } from 'hono'
import { PutBody } from '#pipelines/wire/puts.ts'
import type { Notary } from '../attestations/attest.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import type { Room } from '../files/room.ts'
import { atMost } from '../http/guard.ts'
import { checked } from '../http/kit.ts'
import { legibleBody } from '../http/legible.ts'
import { Problem } from '../problem.ts'
import { lockLeaseHolder } from '../runs/lease-holder.ts'
import { putVersion } from './put-version.ts'

const MOST_BYTES = 2 * 1024 * 1024

const malformed = (): never => {
  throw new Problem('malformed-json', 'say what was put as JSON')
}

/** Where runners say what their runs have put. It opens to the lease of the run, while the run holds it. */
export const putRoutes = ({ db, notary, stateBytes }: { db: Db; notary: Notary } & Room) =>
  new Hono()
    .use('/runs/:run/puts/*', atMost(MOST_BYTES), legibleBody())
    .post('/runs/:run/puts/:resource', async (c) => {
      const { run, resource } = c.req.param()
      const authorization = c.req.header('authorization')
      const { said, images } = checked(PutBody, await c.req.json().catch(malformed))
      const answer = await transact(db, async (tx) =>
        putVersion(tx, await lockLeaseHolder(tx.db, { run, authorization }), {
          ...{ resource, said, images, notary },
          room: { stateBytes },
        }),
      )
      return c.json(answer, 200)
    })
