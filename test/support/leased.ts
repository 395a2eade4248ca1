import { randomUUID } from 'node:crypto'
import type { RunId } from '#pipelines/ids.ts'
import type { RanImage } from '#pipelines/wire/images.ts'
import type { Plan } from '#pipelines/wire/plan.ts'
import { transact } from '../../server/db/transact.ts'
import { claimRun } from '../../server/runs/claim.ts'
import { NO_STORES } from '../../server/secrets/stores/stores.ts'
import { moveRun } from '../../server/runs/move.ts'
import type { Answer } from './server.ts'
import { someKeys } from './keys.ts'
import { runnerOf, type steeredLine } from './steer.ts'

type Line = Awaited<ReturnType<typeof steeredLine>>
/** Another lease, or other images than the run's own. */
type But = { readonly by?: string; readonly images?: readonly object[] }
/** A run in the hands of the test, which holds its lease. */
export type Leased = {
  readonly plan: Plan
  readonly lease: string
  put(resource: string, said: object, but?: But): Promise<Answer>
  end(move: 'succeed' | 'cancel'): Promise<void>
}

/** Take the run that is due first. `images` is what an engine would have run of it. */
export async function leased(
  { house, quiet }: Line,
  { images = [] }: { readonly images?: readonly RanImage[] } = {},
): Promise<Leased> {
  await quiet()
  const lease = randomUUID()
  const runner = await runnerOf(house.db)
  const plan = await claimRun(
    house.db,
    { runner, token: lease, leaseMs: 600_000 },
    {
      checkoutOf: ({ url, kind }) => ({
        url: kind === 'hosted' ? `${house.url}/git/${url}.git` : url,
        credential: null,
      }),
      keys: await someKeys(),
      stores: NO_STORES,
      issuer: () => 'https://takt.example',
    },
  )
  if (!plan) {
    const [delivery] = (await house.ask('GET /api/v1/deliveries')).body.items
    throw new Error(`no run is due; of what was pushed last became: ${delivery?.reason}`)
  }
  return {
    plan,
    lease,
    put: (resource, said, but = {}) => {
      const headers = { authorization: `Bearer ${but.by ?? lease}` }
      const told = typeof said === 'string' ? said : { said, images: but.images ?? images }
      return house.ask(`POST /runner/runs/${plan.run}/puts/${resource}`, told, { as: null, headers })
    },
    async end(move) {
      await transact(house.db, (tx) => moveRun(tx, plan.run as RunId, { move }))
      await quiet()
    },
  }
}
