import { sql } from 'kysely'
import type { Db } from '../db/connect.ts'
import type { Tx } from '../db/transact.ts'
import { startWorker, type Worker } from '../events/worker.ts'
import { Problem } from '../problem.ts'
import type { KeySource } from './key-source.ts'
import { ensureSealing, type Keyring } from './keyring.ts'
import { countByMark, rewrapAll } from './rewrap.ts'
import { renewSigningKeys } from './signing-keys.ts'

export type Rotation = { readonly keys: Keyring; readonly source: KeySource }

/** How far a change of key is: everything sealed, by the key that it is sealed with. */
export type KeyStanding = {
  /** Tells the key that seals from others, and nothing of it. */
  readonly mark: string
  readonly since: Date
  readonly from: 'setting' | 'file'
  readonly sealed: number
  /** Still sealed with a key before, and waiting for this one. */
  readonly waiting: number
  /** Sealed with a key that this server does not know. */
  readonly unknown: number
}

/**
 * Seal everything new with the newest key from here on; what is there is wrapped anew afterwards. Keys in files get a new one;
 * keys of settings were changed by people. Where a change is under way already, it goes on.
 *
 * @throws {Problem} `no-new-key`.
 */
export async function beginRotation(tx: Tx, { keys, source }: Rotation): Promise<void> {
  await keys.readAnew()
  await ensureSealing(tx.db, keys)
  // Waits for those who seal with the present key just now; whoever comes later seals with the next.
  const { mark } = await tx.db.selectFrom('sealing_key').select('mark').forUpdate().executeTakeFirstOrThrow()
  const counts = await countByMark(tx.db)
  const isUnderWay = keys.keys.some(
    (key) => !key.mark.equals(mark) && (counts.get(key.mark.toString('hex')) ?? 0) > 0,
  )
  if (keys.newest.mark.equals(mark)) {
    if (isUnderWay) return
    await renewed({ keys, source })
  }
  await tx.db
    .updateTable('sealing_key')
    .set({ mark: keys.newest.mark, since: sql<Date>`now()` })
    .execute()
}

async function renewed({ keys, source }: Rotation): Promise<void> {
  if (source.renew === null)
    throw new Problem(
      'no-new-key',
      'set TAKT_SECRET_KEY to a new key and TAKT_SECRET_KEY_PREVIOUS to the present one on every server, restart them, and ask again',
    )
  await source.renew()
  await keys.readAnew()
}

export async function keyStanding(db: Db, { keys, source }: Rotation): Promise<KeyStanding> {
  const row = await db.selectFrom('sealing_key').selectAll().executeTakeFirst()
  const mark = row?.mark ?? keys.newest.mark
  await keys.find(mark)
  const known = new Set(keys.keys.map((key) => key.mark.toString('hex')))
  const counts = [...(await countByMark(db))]
  const count = (of: (hex: string) => boolean) =>
    counts.reduce((sum, [hex, number]) => sum + (of(hex) ? number : 0), 0)
  const sealing = mark.toString('hex')
  return {
    mark: sealing,
    since: row?.since ?? new Date(),
    from: source.renew === null ? 'setting' : 'file',
    sealed: count(() => true),
    waiting: count((hex) => hex !== sealing && known.has(hex)),
    unknown: count((hex) => hex !== sealing && !known.has(hex)),
  }
}

/** A look at whether anything waits for the key that seals: also for what another server began and did not end. */
const SWEEP_MS = 60_000
/** Events come all the time, and keys change once in a year: only the sweep and whoever pokes are heeded. */
const DEAF = { on: () => () => {} }

export function startRewrapping(db: Db, keys: Keyring): Worker {
  const work = async (quit: AbortSignal) => {
    await keys.readAnew()
    await renewSigningKeys(db, keys)
    await rewrapAll(db, keys, quit)
    return false
  }
  return startWorker('keys', work, { hints: DEAF, sweepMs: SWEEP_MS })
}
