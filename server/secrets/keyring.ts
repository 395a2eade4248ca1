import { Problem } from '../problem.ts'
import type { Trx } from '../db/connect.ts'
import { markIn, markOf, type Place, unseal, wrappingKey } from './seal.ts'

/** One of the server's keys: its text, what is derived from it to wrap with, and what tells it from others. */
export type Key = { readonly text: string; readonly wrapping: Buffer; readonly mark: Buffer }

const keyOf = (text: string): Key => {
  const wrapping = wrappingKey(text)
  return { text, wrapping, mark: markOf(wrapping) }
}

/**
 * The keys that a server knows: one, or two while it changes from one to the other. They are read anew when something turns up
 * that was sealed with a key that is not among them, so that a change of key needs no restart.
 */
export class Keyring {
  #keys: readonly Key[]
  readonly #read: () => Promise<readonly string[]>

  private constructor(texts: readonly string[], read: () => Promise<readonly string[]>) {
    this.#keys = texts.map(keyOf)
    this.#read = read
  }

  /** @param read The texts of all keys, the newest first; at least one. */
  static async open(read: () => Promise<readonly string[]>): Promise<Keyring> {
    return new Keyring(await read(), read)
  }

  /** The newest key first. */
  get keys(): readonly Key[] {
    return this.#keys
  }

  get newest(): Key {
    const [first] = this.#keys
    if (!first) throw new Error('a keyring without a key')
    return first
  }

  async readAnew(): Promise<void> {
    this.#keys = (await this.#read()).map(keyOf)
  }

  async find(mark: Buffer): Promise<Key | null> {
    const known = () => this.#keys.find((key) => key.mark.equals(mark)) ?? null
    if (known() === null) await this.readAnew()
    return known()
  }

  /** @throws {Unsealable} When it was sealed with a key that is not here, for another place, or was changed. */
  async unseal(sealed: Buffer, place: Place): Promise<string> {
    const mark = markIn(sealed)
    const key = mark && (await this.find(mark))
    return unseal(sealed, place, (key ?? this.newest).wrapping)
  }
}

/** The first server to seal anything says with which key. */
export const ensureSealing = (db: Trx, keys: Keyring) =>
  db
    .insertInto('sealing_key')
    .values({ mark: keys.newest.mark })
    .onConflict((oc) => oc.doNothing())
    .execute()

/**
 * The key that new values are sealed with: the one that the database names, the same for all servers. It stays the one until the
 * transaction ends.
 *
 * @throws {Problem} `key-not-known`.
 */
export async function sealingKey(db: Trx, keys: Keyring): Promise<Key> {
  await ensureSealing(db, keys)
  const { mark } = await db.selectFrom('sealing_key').select('mark').forShare().executeTakeFirstOrThrow()
  const key = await keys.find(mark)
  if (key) return key
  const words = `the key with the mark ${mark.toString('hex')} seals, and this server does not know it: give it the same TAKT_SECRET_KEY as the others, or the key before it as TAKT_SECRET_KEY_PREVIOUS`
  throw new Problem('key-not-known', words)
}
