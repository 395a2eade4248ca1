import type { z } from 'zod'
import type { UserId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { Problem } from '../problem.ts'
import { fitting } from './fitness.ts'
import { holderOf } from './holder.ts'
import type { Keyring } from './keyring.ts'
import type { Owner } from './owner.ts'
import { type Kept, listSecrets, narrowSecret, removeSecret, setSecret } from './queries.ts'
import {
  type Narrowing,
  type ScopeAsked,
  scopeIn,
  type Secret,
  type SecretAsked,
  showSecret,
} from './shapes.ts'
import type { Stores } from './stores/stores.ts'

export type Keeping = { readonly db: Db; readonly keys: Keyring; readonly stores: Stores }
/** A secret of a name, and who does something about it. */
type Meant = { readonly owner: Owner; readonly name: string; readonly by: UserId }
type Shown = z.output<typeof Secret>

/** What people do about secrets, whoever’s they are. */
export const secretsOf = ({ db, keys, stores }: Keeping) => ({
  async list(owner: Owner): Promise<Shown[]> {
    return (await listSecrets(db, owner)).map(showSecret)
  },

  async set({ owner, name, by }: Meant, asked: z.output<typeof SecretAsked>): Promise<Shown> {
    const kept = await keptAs({ db, stores }, { owner, name }, asked)
    const secret = { owner, name, scope: scopeIn(asked), kept, by }
    return showSecret(await transact(db, (tx) => setSecret(tx, secret, keys)))
  },

  async narrow({ owner, name, by }: Meant, { from, to }: z.output<typeof Narrowing>): Promise<Shown> {
    const secret = { owner, name, scope: scopeIn(from), to: scopeIn(to), by }
    return showSecret(await transact(db, (tx) => narrowSecret(tx, secret, keys)))
  },

  async remove({ owner, name }: Omit<Meant, 'by'>, scope: z.output<typeof ScopeAsked>): Promise<void> {
    await transact(db, (tx) => removeSecret(tx, { owner, name, scope: scopeIn(scope) }))
  },
})

/** A value to seal; or where one lies, which is looked at once, so that who sets it learns at once what is wrong. */
async function keptAs(
  { db, stores }: Pick<Keeping, 'db' | 'stores'>,
  { owner, name }: Omit<Meant, 'by'>,
  { value, store, reference }: z.output<typeof SecretAsked>,
): Promise<Kept> {
  if (store === undefined || reference === undefined) return { value: fitting(name, value ?? '') }
  const found = await stores.fetch({ secret: name, store, reference, holder: await holderOf(db, owner) })
  if ('unreadable' in found) throw new Problem('secret-not-there', `nothing is set: ${found.unreadable}`)
  return { store, reference }
}
