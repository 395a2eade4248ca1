import type { DeliveryId, RepositoryId } from '#pipelines/ids.ts'
import type { DeliverySource } from '../db/schema.ts'
import type { Tx } from '../db/transact.ts'

export type NewDelivery = {
  readonly source: DeliverySource
  /** The sender's own number for it. */
  readonly deliveryId: string
  /** SHA-256 of the body under the shared secret, as bytes; null where nobody signs. */
  readonly signature: Buffer | null
  readonly event: string
  readonly repository: RepositoryId | null
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
