import type { Context, MiddlewareHandler } from 'hono'
import { companion } from '../db/companion.ts'
import type { HouseEnv } from '../http/kit.ts'
import { pathBelow, routeOf } from '../http/route-of.ts'
import { actionOf } from './actions.ts'
import type { Book } from './book.ts'
import { endingOf, type Facts, Page } from './on-record.ts'

/**
 * Have every request that changes something leave one entry: in the transaction of its change, or, where it came to nothing or
 * changed nothing of the database, when it is answered.
 */
export const audit = (book: Book): MiddlewareHandler<HouseEnv> =>
  async function auditing(c, next) {
    const route = routeOf(c)
    const action = route === null ? null : actionOf(route)
    if (action === null) return next()
    const page = new Page(() => factsOf(c, action))
    await companion.run(page, next)
    await page.close(book, endingIn(c))
  }

function endingIn(c: Context<HouseEnv>) {
  if (c.error) return endingOf(c.error, c.get('admitted') === true)
  if (c.res.status < 400) return { outcome: 'done', reason: null } as const
  return { outcome: c.res.status < 500 ? 'refused' : 'failed', reason: `answered ${c.res.status}` } as const
}

function factsOf(c: Context<HouseEnv>, action: string): Facts {
  const { organization = null, project = null } = c.get('ground') ?? {}
  return {
    ...whoIn(c),
    ...{ action, address: c.get('address') || null, target: pathBelow(c.req.path) },
    organization_id: organization,
    project,
  }
}

type Who = Pick<Facts, 'actor_id' | 'actor' | 'actor_kind' | 'via' | 'token'>

/** The command says who it is; who shows a session or a token is known by that alone. */
function whoIn(c: Context<HouseEnv>): Who {
  const { user, via } = c.var as Partial<HouseEnv['Variables']>
  if (!user || !via)
    return { actor_id: null, actor: 'nobody', actor_kind: 'nobody', via: 'none', token: null }
  const who = { actor_id: user.id, actor: user.name }
  if (via.by === 'session') return { ...who, actor_kind: 'person', via: 'session', token: null }
  const isCommand = c.req.header('user-agent') === 'takt'
  return { ...who, actor_kind: via.kind, via: isCommand ? 'cli' : 'token', token: via.name }
}
