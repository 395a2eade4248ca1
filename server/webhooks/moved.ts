import type { Moved } from '../checks/git.ts'
import type { NewDelivery } from './receive.ts'

/** What a look at another server's repository told, as the delivery that its own hook would have sent. */
export function deliveryOf({ repository, deliveryId, ref, before, after }: Moved): NewDelivery {
  const body = Buffer.from(JSON.stringify({ ref, ...(before === null ? {} : { before }), after }))
  return { source: 'git', deliveryId, signature: null, event: 'push', repository, body }
}
