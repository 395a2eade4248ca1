import type { ProjectId } from '#pipelines/ids.ts'
import { type Asking, type Choice, chooseSecret, scopeWords } from '#pipelines/plan/secret-scopes.ts'
import type { Db, Trx } from '../db/connect.ts'
import type { Keyring } from './keyring.ts'
import { holderOf } from './holder.ts'
import { candidateOf, placeOf, reachedBy } from './owner.ts'
import { Unsealable } from './seal.ts'
import { type Fetched, keyOfWanted, NOTHING_FETCHED, type Stores, type Wanted } from './stores/stores.ts'

export type Asked = {
  readonly project: ProjectId
  readonly names: readonly string[]
  readonly asking: Asking
}

/** Every secret of these names that a project could have: its own and its organization's. */
async function candidates(db: Db | Trx, { project, names }: Pick<Asked, 'project' | 'names'>) {
  if (names.length === 0) return []
  const rows = await db
    .selectFrom('secrets')
    .selectAll()
    .where('name', 'in', [...names])
    .where(reachedBy(project))
    .orderBy('id')
    .execute()
  return rows.map(candidateOf)
}
export type SecretCandidate = Awaited<ReturnType<typeof candidates>>[number]

/** For each name the secret that whoever asks gets, and why it is not another one. */
export async function chooseSecrets(
  db: Db | Trx,
  asked: Asked,
): Promise<ReadonlyMap<string, Choice<SecretCandidate>>> {
  const all = await candidates(db, asked)
  const of = (name: string) => all.filter((each) => each.name === name)
  return new Map(asked.names.map((name) => [name, chooseSecret(of(name), asked.asking)]))
}

export type Opened = {
  readonly values: Readonly<Record<string, string>>
  /** Of those that are there and not for whoever asks: why, in words. */
  readonly unmeant: Readonly<Record<string, string>>
  /** Those that lie in a store and were not fetched yet: what is to be asked for before this is whole. */
  readonly wanted: readonly Wanted[]
}
export type OpenedWith = { readonly keys: Keyring; readonly fetched: Fetched }

/**
 * The values of those of the named secrets that are for whoever asks. Only for what is handed to the holder of a lease. Stores are
 * not asked in here, as no transaction may wait for them.
 *
 * @throws {Unsealable} When one cannot be read with this server's keys, or a store did not give it.
 */
export async function openSecrets(
  db: Db | Trx,
  asked: Asked,
  { keys, fetched }: OpenedWith,
): Promise<Opened> {
  const values: Record<string, string> = {}
  const unmeant: Record<string, string> = {}
  const wanted: Wanted[] = []
  for (const [name, { chosen, passedOver }] of await chooseSecrets(db, asked)) {
    if (chosen?.sealed) values[name] = await keys.unseal(chosen.sealed, placeOf(chosen))
    else if (chosen) {
      const away = await wantedOf(db, chosen)
      const found = fetched.get(keyOfWanted(away))
      if (!found) wanted.push(away)
      else if ('unreadable' in found) throw new Unsealable(found.unreadable)
      else values[name] = found.value
    } else if (passedOver.length > 0) unmeant[name] = passedOver.map(whyNot).join('; ')
  }
  return { values, unmeant, wanted }
}

/** The same outside of any transaction: what lies in stores is fetched. @throws {Unsealable} */
export async function openAllSecrets(
  db: Db,
  asked: Asked,
  { keys, stores }: { readonly keys: Keyring; readonly stores: Stores },
): Promise<Opened> {
  const opened = await openSecrets(db, asked, { keys, fetched: NOTHING_FETCHED })
  if (opened.wanted.length === 0) return opened
  return openSecrets(db, asked, { keys, fetched: await stores.fetchAll(opened.wanted) })
}

async function wantedOf(db: Db | Trx, { name, store, reference, ...row }: SecretCandidate): Promise<Wanted> {
  if (store === null || reference === null) throw new Error(`the secret ${name} has neither value nor store`)
  return { secret: name, store, reference, holder: await holderOf(db, row) }
}

const whyNot = ({ candidate, because }: Choice<SecretCandidate>['passedOver'][number]) =>
  `the ${candidate.owner}’s ${scopeWords(candidate)}: ${because}`
