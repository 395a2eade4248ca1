import { createRoute, z } from '@hono/zod-openapi'
import type { GateId } from '#pipelines/ids.ts'
import { audited } from '../audit/on-record.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { lockGate } from '../gates/decide.ts'
import { json, routes } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { callbackUrl } from '../runs/callback-url.ts'

const number = z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER)
const show = createRoute({
  method: 'post',
  path: '/gates/{id}/callback',
  tags: ['Gates'],
  summary: 'The one-time address at which a run that waits for a callback is called back',
  request: {
    params: z.object({
      id: number
        .transform((id) => id as GateId)
        .openapi({ param: { in: 'path', name: 'id' }, type: 'integer' }),
    }),
  },
  responses: {
    200: json(
      z.object({ url: z.string() }).openapi('CallbackUrl'),
      'Whoever has it lets the run go on, once',
    ),
  },
})

type Deps = { readonly db: Db; readonly keys: Keyring; readonly publicUrl: () => string }

/** Somebody asks for the address, to give it to whom the run waits for. */
export const callbackUrlRoute = ({ db, keys, publicUrl }: Deps) =>
  routes().openapi(show, async (c) => {
    const { id } = c.req.valid('param')
    const url = await transact(db, async ({ db: trx }) => {
      const { run, gate } = await lockGate(trx, id)
      const act = await trx.selectFrom('acts').select('spec').where('gate_id', '=', id).executeTakeFirst()
      if (act?.spec.kind !== 'callback' || gate.state !== 'waiting')
        throw new Problem('gate-closed', `gate ${id} waits for no callback`, { state: gate.state })
      audited({ project: run.project, target: `gates/${id} (run ${run.id})` })
      const asked = { run: run.id, name: act.spec.callback }
      return callbackUrl(trx, asked, { publicUrl: publicUrl(), key: keys.newest.text })
    })
    return c.json({ url }, 200)
  })
