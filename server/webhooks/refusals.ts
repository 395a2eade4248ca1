import type { MiddlewareHandler } from 'hono'
import type { Book } from '../audit/book.ts'
import type { Entry } from '../audit/entry.ts'
import type { HouseEnv } from '../http/kit.ts'
import { Problem, statusOf } from '../problem.ts'
import type { Addressee } from './addressee.ts'
import type { Delivery } from './sort.ts'

const ACTION = 'hook.deliver'
type Told = Pick<Entry, 'actor' | 'address' | 'target' | 'reason' | 'organization_id' | 'project'>

const denied = (told: Told): Entry => ({
  ...told,
  ...{ actor_id: null, actor_kind: 'nobody', via: 'none', token: null },
  ...{ action: ACTION, outcome: 'denied', before: null, after: null, count: 1 },
})

/** Whoever cannot show that they are the sender they say they are leaves an entry; many of them, one with their number. */
export const onRecordWhenDenied = (book: Book): MiddlewareHandler<HouseEnv> =>
  async function auditingHooks(c, next) {
    await next()
    const { error } = c
    if (!(error instanceof Problem) || statusOf(error.code) !== 401) return
    const { pathname, search } = new URL(c.req.url)
    await book.note(
      denied({
        ...{ actor: 'nobody', address: c.get('address') || null, target: pathname + search },
        ...{ reason: `${error.code}: ${error.detail}`, organization_id: null, project: null },
      }),
    )
  }

type Refused = {
  readonly delivery: Pick<Delivery, 'id' | 'source'>
  readonly addressee: Addressee | null
  readonly reason: string
}

/** A delivery that was signed, and speaks of what is not its sender's. */
export const noteRefusal = ({ book }: { book: Book }, { delivery, addressee, reason }: Refused) =>
  book.note(
    denied({
      ...{ actor: `${delivery.source} hook`, address: null, target: `delivery ${delivery.id}` },
      ...{ reason: `another-repository: ${reason}`, project: addressee?.name ?? null },
      organization_id: addressee?.organization_id ?? null,
    }),
  )
