import type { DeliveryId, ProjectId, RepositoryId } from '#pipelines/ids.ts'
import type { DeliverySource } from '../db/hook-tables.ts'
import { toJson } from '../db/to-json.ts'
import type { Tx } from '../db/transact.ts'

export type NewDelivery = {
  readonly source: DeliverySource
  /** The sender's own number for it. */
  readonly deliveryId: string
  /** SHA-256 of the body under the shared secret, as bytes; null where nobody signs. */
  readonly signature: Buffer | null
  readonly event: string
  readonly repository: RepositoryId | null
  /** The project that it was told to, by a secret of its own; left out where the server's own secret signed it, or nobody did. */
  readonly project?: ProjectId
  /** What its headers said, without what opens anything. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body: Buffer
}

/**
 * Store a delivery, before anything is made of it. The same number or the same signature again is the same delivery: the number
 * is not covered by the signature, so a replayed body could carry another one.
 *
 * @returns Its id, or null when it was known.
 */
export async function storeDelivery(tx: Tx, delivery: NewDelivery): Promise<DeliveryId | null> {
  const row = await tx.db
    .insertInto('deliveries')
    .values({
      source: delivery.source,
      delivery_id: delivery.deliveryId,
      signature: delivery.signature,
      event: delivery.event,
      repository_id: delivery.repository,
      project_id: delivery.project ?? null,
      headers: delivery.headers ? toJson(delivery.headers) : null,
      body: delivery.body,
      reason: null,
      processed_at: null,
    })
    .onConflict((oc) => oc.doNothing())
    .returning('id')
    .executeTakeFirst()
  if (row) tx.emit({ kind: 'delivery.received', delivery: row.id })
  return row?.id ?? null
}
