import type { Context, MiddlewareHandler } from 'hono'
import { Problem } from '../problem.ts'
import { networkOf } from './address.ts'
import type { Buckets } from './buckets.ts'
import type { HouseEnv } from './kit.ts'

type Limit = {
  readonly buckets: Buckets
  /** Whose bucket a request takes from; null: nobody's. */
  readonly keyOf: (c: Context<HouseEnv>) => string | null
  /** What is counted, and the setting that says how much: for the one who is refused. */
  readonly words: string
}

/** Refuse who asks too often with 429 and the seconds to wait; tell everybody how much is left. */
export const limited = ({ buckets, keyOf, words }: Limit): MiddlewareHandler<HouseEnv> =>
  async function rateLimited(c, next) {
    const key = keyOf(c)
    if (key === null || buckets.perMinute === 0) return next()
    const { isEmpty, left, restS } = buckets.take(key)
    if (isEmpty)
      throw new Problem(
        'too-many-requests',
        `at most ${buckets.perMinute} a minute ${words}; wait ${restS} s`,
        {
          retry_after: restS,
        },
      )
    await next()
    if (c.res.headers.has('ratelimit-limit')) return // of the asker, which is nearer than the address
    c.header('ratelimit-limit', String(buckets.perMinute))
    c.header('ratelimit-remaining', String(left))
  }

export const byAddress = (c: Context<HouseEnv>): string => networkOf(c.get('address'))

/** Of those who are somebody; all others share what their address has. */
export function byAsker(c: Context<HouseEnv>): string | null {
  const { via } = c.var as Partial<HouseEnv['Variables']>
  return via ? `${via.by} ${via.id}` : null
}
