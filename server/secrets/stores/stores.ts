import { log } from '../../log.ts'
import { unfitness } from '../fitness.ts'
import { fieldIn, type Holder, nameAt } from './reference.ts'
import { type SecretStore, STORE_WORDS, type StoreName, StoreRefusal } from './store.ts'

/** A secret that lies in a store: which one, and whose it is. */
export type Wanted = {
  readonly secret: string
  readonly store: StoreName
  readonly reference: string
  readonly holder: Holder
}
/** The value, or why there is none, as a sentence without its stop. */
export type Found = { readonly value: string } | { readonly unreadable: string }
/** What was fetched for one plan, by `keyOfWanted`; forgotten with it. */
export type Fetched = ReadonlyMap<string, Found>
export const NOTHING_FETCHED: Fetched = new Map()

export const keyOfWanted = ({ secret, store, reference, holder }: Wanted): string =>
  JSON.stringify([secret, store, holder.organization, holder.project, reference])

/** A runner waits for its plan meanwhile. */
const WAITS_MS = 10_000

/** The stores that this server is let into. Values are fetched each time they are handed out, so that one that was changed there counts. */
export class Stores {
  readonly #stores: ReadonlyMap<StoreName, SecretStore>
  readonly #prefix: string

  /** @param prefix The first part of every name, below which everything lies that projects may point at. */
  constructor(stores: ReadonlyMap<StoreName, SecretStore>, prefix: string) {
    this.#stores = stores
    this.#prefix = prefix
  }

  get names(): readonly StoreName[] {
    return [...this.#stores.keys()]
  }

  async fetchAll(wanted: readonly Wanted[]): Promise<Fetched> {
    return new Map(
      await Promise.all(wanted.map(async (each) => [keyOfWanted(each), await this.fetch(each)] as const)),
    )
  }

  async fetch(wanted: Wanted): Promise<Found> {
    const words = `the secret ${wanted.secret} lies in ${STORE_WORDS[wanted.store]}`
    const store = this.#stores.get(wanted.store)
    if (!store) return { unreadable: `${words}, which this server is not let into: see its settings` }
    let there = `at \`${wanted.reference}\``
    try {
      const { name, field } = nameAt(store, { prefix: this.#prefix, ...wanted })
      there = `at \`${name}\``
      const value = fieldIn(await store.read(name, AbortSignal.timeout(WAITS_MS)), field)
      const unfit = unfitness(value)
      return unfit === null ? { value } : { unreadable: `${words} ${there}, and is not taken: ${unfit}` }
    } catch (error) {
      if (error instanceof StoreRefusal) return { unreadable: `${words} ${there}: ${error.message}` }
      log.warn({ err: error, store: wanted.store }, 'secret-store.away')
      return { unreadable: `${words} ${there}, and the store cannot be asked: ${causeOf(error)}` }
    }
  }
}
export const NO_STORES = new Stores(new Map(), 'takt')

/** The last word of what went wrong on the way, which names an address at most. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no answer'
  if (error.name === 'TimeoutError' || error.name === 'AbortError')
    return `no answer within ${WAITS_MS / 1_000} seconds`
  const cause = error.cause instanceof Error ? error.cause : error
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name
}
