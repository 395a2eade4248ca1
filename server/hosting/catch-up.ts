import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { RepositoryId } from '#pipelines/ids.ts'
import { audited } from '../audit/on-record.ts'
import type { Db } from '../db/connect.ts'
import { transact, type Tx } from '../db/transact.ts'
import { hostedRefs, isHere } from '../forges/repository.ts'
import { log } from '../log.ts'
import { storeDelivery } from '../webhooks/receive.ts'

/**
 * Hold a hosted repository's refs against those we know, and store a delivery for each difference. It is called after each push
 * and when the server starts: a push that was written to disk by a server that died then is found here.
 */
export async function catchUp(
  db: Db,
  dataDir: string,
  repository: { id: RepositoryId; url: string },
): Promise<void> {
  await transact(db, async (tx) => {
    await tx.db.selectFrom('repositories').select('id').where('id', '=', repository.id).forUpdate().execute()
    const now = await hostedRefs(dataDir, repository.url)
    const rows = await tx.db
      .selectFrom('refs')
      .select(['name', 'sha'])
      .where('repository_id', '=', repository.id)
      .execute()
    const known = new Map(rows.map((row) => [row.name, row.sha]))
    // git refuses to delete the branch that HEAD names, so an empty repository was not emptied by a push: it was lost.
    if (now.size === 0 && known.size > 0) return log.error({ repository: repository.url }, 'repository.empty')
    tell(known, now)
    for (const [ref, sha] of now) {
      if (known.get(ref) !== sha)
        await moved(tx, repository.id, { ref, before: known.get(ref) ?? null, after: sha })
    }
    for (const [ref, sha] of known) {
      if (!now.has(ref)) await moved(tx, repository.id, { ref, before: sha, after: null })
    }
  })
}

/** So many refs are told of one push. */
const MOST_TOLD = 50

/** Say which refs moved, and from where to where, to whoever has the push on record. */
function tell(known: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): void {
  const moved = [...new Set([...known.keys(), ...now.keys()])].filter(
    (ref) => known.get(ref) !== now.get(ref),
  )
  const of = (refs: ReadonlyMap<string, string>) =>
    Object.fromEntries(moved.slice(0, MOST_TOLD).map((ref) => [ref, refs.get(ref) ?? null]))
  audited({ before: of(known), after: of(now) })
}

/** At the start of a server: look at every repository of ours that lies here; another server's are that one's. */
export async function catchUpAll(db: Db, dataDir: string): Promise<void> {
  const hosted = await db
    .selectFrom('repositories')
    .select(['id', 'url'])
    .where('kind', '=', 'hosted')
    .execute()
  for (const repository of hosted) {
    if (await isHere(dataDir, { kind: 'hosted', url: repository.url })) await catchUp(db, dataDir, repository)
    else log.warn({ repository: repository.url }, 'repository.not-here')
  }
}

async function moved(
  tx: Tx,
  repository: RepositoryId,
  change: { ref: string; before: string | null; after: string | null },
) {
  const { ref, before, after } = change
  const zero = '0'.repeat((before ?? after ?? '').length)
  await storeDelivery(tx, {
    source: 'hosted',
    deliveryId: randomUUID(),
    signature: null,
    event: 'push',
    repository,
    body: Buffer.from(JSON.stringify({ ref, before: before ?? zero, after: after ?? zero })),
  })
  if (after === null) {
    await tx.db.deleteFrom('refs').where('repository_id', '=', repository).where('name', '=', ref).execute()
    return
  }
  await tx.db
    .insertInto('refs')
    .values({ repository_id: repository, name: ref, sha: after })
    .onConflict((oc) =>
      oc.columns(['repository_id', 'name']).doUpdateSet({ sha: after, updated_at: sql<Date>`now()` }),
    )
    .execute()
}
