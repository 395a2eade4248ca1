import { type NotNull, type Selectable, sql } from 'kysely'
import type { Book } from '../audit/book.ts'
import type { Db } from '../db/connect.ts'
import type { HookTables } from '../db/hook-tables.ts'
import { hearInstallation } from './hear-installation.ts'
import { hearImages } from './hear-images.ts'
import { hearHappening } from './hear-happening.ts'
import type { Push } from './payloads.ts'
import { type Meaning, readDelivery, type Stored } from './read-delivery.ts'
import { noteRefusal } from './refusals.ts'
import { repositoryOf } from './repository-of.ts'
import { countFailure, type Fate, settle } from './settle.ts'
import { noteAbout } from './about.ts'
import { type Addressee, addresseeOf } from './addressee.ts'

/** What is still to be looked at has its payload. */
export type Delivery = Selectable<HookTables['deliveries']> & { readonly body: Buffer }
export type SortDeps = { readonly db: Db; readonly book: Book }

/**
 * Say for each new delivery which repository it speaks of, or make of it what needs no look at a repository: quick work, in the order
 * of arrival.
 *
 * @returns True when there may be more.
 */
export async function sortNext(deps: SortDeps): Promise<boolean> {
  const { db } = deps
  const delivery = await db
    .selectFrom('deliveries')
    .selectAll()
    .where('state', '=', 'received')
    .where('body', 'is not', null)
    .$narrowType<{ body: NotNull }>()
    .where('repository_id', 'is', null)
    .where('attempt_after', '<=', sql<Date>`now()`)
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
  if (!delivery) return false
  try {
    await sort(deps, delivery)
  } catch (error) {
    await countFailure(db, { ...delivery, error })
  }
  return true
}

async function sort(deps: SortDeps, delivery: Delivery): Promise<void> {
  const { db } = deps
  const meaning = meaningOf(delivery)
  if (!('state' in meaning)) await noteAbout(db, delivery, meaning)
  const addressee = delivery.project_id === null ? null : await addresseeOf(db, delivery.project_id)
  const fate = 'state' in meaning ? meaning : await fateOf(deps, { delivery, meaning, addressee })
  if (fate) await settle(db, delivery.id, fate)
  if (fate?.state === 'refused') await noteRefusal(deps, { delivery, addressee, reason: fate.reason })
}

type Sorted = {
  readonly delivery: Delivery
  readonly meaning: Meaning
  readonly addressee: Addressee | null
}

/** @returns Null where the delivery now waits for its repository. */
async function fateOf({ db }: SortDeps, { delivery, meaning, addressee }: Sorted): Promise<Fate | null> {
  if ('push' in meaning) return tie(db, { delivery, repository: meaning.push.repository, addressee })
  if ('installed' in meaning) return hearInstallation(db, meaning.installed)
  if ('nothing' in meaning || 'again' in meaning) {
    const untied = await tie(db, { delivery, repository: meaning.repository ?? null, addressee })
    return untied?.state === 'ignored' && 'nothing' in meaning
      ? { ...untied, reason: meaning.nothing }
      : untied
  }
  if (!addressee)
    return { state: 'ignored', reason: 'the project that it was told to is gone', project: null }
  return 'images' in meaning
    ? hearImages(db, addressee, meaning.images)
    : hearHappening(db, addressee, { ...meaning.happening, delivery: delivery.id })
}

type Tied = {
  readonly delivery: Delivery
  readonly repository: Push['repository']
  readonly addressee: Addressee | null
}

async function tie(db: Db, { delivery, repository, addressee }: Tied): Promise<Fate | null> {
  const untied = await repositoryOf(db, delivery.id, { named: repository, addressee })
  return untied && { ...untied, project: addressee?.name ?? null }
}

/** What a delivery means, or the fate of one that cannot be read. */
export function meaningOf(delivery: Stored): Meaning | Fate {
  try {
    return readDelivery(delivery)
  } catch (error) {
    return { state: 'failed', reason: error instanceof Error ? error.message : String(error), project: null }
  }
}
