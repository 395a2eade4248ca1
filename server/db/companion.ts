import { AsyncLocalStorage } from 'node:async_hooks'
import type { TaktEvent } from '#pipelines/wire/events.ts'
import type { Trx } from './connect.ts'

/** What is written with the first change that somebody's request makes, in the same transaction. */
export interface Companion {
  /** @param events  What the transaction will announce. */
  write(trx: Trx, events: readonly TaktEvent[]): Promise<void>
  /** The transaction was committed, and what was written with it. */
  committed(): void
  /** It was not. */
  undone(): void
}

/** The companion of the request that is being answered; none where nobody asked for anything, as in the loops of the server. */
export const companion = new AsyncLocalStorage<Companion>()
