import { createRoute, z } from '@hono/zod-openapi'
import { type Context, Hono } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import type { UserId } from '#pipelines/ids.ts'
import type { Book } from '../audit/book.ts'
import { audited, onRecord } from '../audit/on-record.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { body, type HouseEnv, json, routes, type Via } from '../http/kit.ts'
import { log } from '../log.ts'
import { Problem } from '../problem.ts'
import { keepSession, sessionIn } from './cookie.ts'
import { type Arrival, arrive, identitiesOf, unlink } from './identities.ts'
import { invitationOf } from './invitations.ts'
import { comeBack, setOut, WAY_MS } from './login-ways.ts'
import { meOf } from './me.ts'
import type { Claimed, Provider, Way } from './provider.ts'
import { endSession, newSession, type Secret } from './sessions.ts'

const tags = ['Access']
const WAY_COOKIE = 'takt_way'

const ProviderId = z.enum(['oidc', 'github'])
const ProviderList = z
  .object({ items: z.array(z.object({ id: ProviderId, name: z.string() })), next: z.null() })
  .openapi('LoginProviderList')
const SetOut = z
  .object({
    provider: ProviderId,
    to: z
      .string()
      .max(2_000)
      .default('/')
      .openapi({ description: 'Where to afterwards; an address of this server' }),
    link: z.literal(true).optional().openapi({ description: 'Link it to the account that is signed in' }),
    invitation: z.string().max(100).optional(),
  })
  .openapi('LoginWay')
const There = z.object({ url: z.string() }).openapi('LoginWayThere')
const Linked = z
  .object({
    items: z.array(
      z.object({ id: ProviderId, name: z.string(), as: z.string().nullable(), since: z.string().nullable() }),
    ),
    next: z.null(),
  })
  .openapi('LinkedLoginList')

const list = createRoute({
  method: 'get',
  path: '/login-providers',
  tags,
  summary: 'Where else people can show who they are',
  responses: { 200: json(ProviderList, 'The providers') },
})
const go = createRoute({
  method: 'post',
  path: '/login-ways',
  tags,
  summary: 'Set out to a provider, to sign in or to link it: the browser goes to the address in the answer',
  request: { body: body(SetOut) },
  responses: { 201: json(There, 'Where to go') },
})
const linked = createRoute({
  method: 'get',
  path: '/me/logins',
  tags,
  summary: 'Each provider, and whom it knows you as',
  responses: { 200: json(Linked, 'The providers') },
})
const part = createRoute({
  method: 'delete',
  path: '/me/logins/{provider}',
  tags,
  summary: 'Let a provider open your account no more',
  request: { params: z.object({ provider: ProviderId }) },
  responses: { 204: { description: 'It opens it no more' } },
})

type Deps = {
  readonly db: Db
  readonly book: Book
  readonly publicUrl: () => string
  readonly providers: readonly Provider[]
}

const providerOf = ({ providers }: Deps, id: string): Provider => {
  const found = providers.find((provider) => provider.id === id)
  if (!found) throw new Problem('provider-not-found', `nobody has set up logins by \`${id}\` on this server`)
  return found
}
const backTo = ({ publicUrl }: Deps, { id }: Provider) => `${publicUrl()}/login/${id}/callback`

/** Signing in by what somebody is elsewhere. */
export const loginRoutes = (deps: Deps) =>
  routes()
    .openapi(list, (c) =>
      c.json({ items: deps.providers.map(({ id, name }) => ({ id, name })), next: null }, 200),
    )
    .openapi(go, async (c) => {
      const { provider: id, to, link, invitation } = c.req.valid('json')
      const provider = providerOf(deps, id)
      const user = link ? whoLinks(c) : null
      const { secret, ...way } = await transact(deps.db, async (tx) => {
        const offer = invitation === undefined ? null : (await invitationOf(tx.db, invitation)).id
        return setOut(tx.db, { provider: provider.key, target: ownAddress(to), user, invitation: offer })
      })
      const url = await provider.start({ ...way, back: backTo(deps, provider) }).catch((error: unknown) => {
        log.warn({ err: error, provider: provider.key }, 'provider.away')
        throw new Problem(
          'provider-away',
          `${provider.name} does not answer as it should; the server’s log tells more`,
        )
      })
      setCookie(c, WAY_COOKIE, secret, {
        ...{ httpOnly: true, sameSite: 'Lax', path: '/login', maxAge: WAY_MS / 1_000 },
        secure: deps.publicUrl().startsWith('https:'),
      })
      return c.json({ url: url.href }, 201)
    })
    .openapi(linked, async (c) => {
      const own = await identitiesOf(deps.db, c.get('user').id)
      const items = deps.providers.map(({ id, name, key }) => {
        const found = own.find(({ provider }) => provider === key)
        return { id, name, as: found?.name ?? null, since: found?.created_at.toISOString() ?? null }
      })
      return c.json({ items, next: null }, 200)
    })
    .openapi(part, async (c) => {
      whoLinks(c)
      const provider = providerOf(deps, c.req.valid('param').provider)
      await transact(deps.db, (tx) => unlink(tx.db, c.get('user').id, provider))
      return c.body(null, 204)
    })

function whoLinks(c: Context<HouseEnv>): UserId {
  const via = c.get('via') as Via | undefined // undefined for whoever is nobody
  if (via?.by !== 'session') throw new Problem('session-needed', 'sign in in a browser to link another login')
  return c.get('user').id
}

/** Never anywhere else: not to another host, however it is written. */
function ownAddress(wanted: string): string {
  const here = 'https://takt.invalid'
  const url = wanted.startsWith('/') && URL.canParse(wanted, here) ? new URL(wanted, here) : null
  // `/.//evil.example` is a path of ours, and would be an address of theirs once the dot is resolved away
  if (url?.origin !== here || url.pathname.startsWith('//') || url.pathname.startsWith('/login')) return '/'
  return url.pathname + url.search + url.hash
}

/** Where providers send people back to. A refusal goes to the login page, which says it in words. */
export const callbackRoutes = (deps: Deps) =>
  new Hono<HouseEnv>().get('/:provider/callback', async (c) => {
    const secret = getCookie(c, WAY_COOKIE) ?? null
    deleteCookie(c, WAY_COOKIE, { path: '/login' })
    c.header('cache-control', 'no-store')
    try {
      return c.redirect(await takeIn(deps, c, secret), 303)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      return c.redirect(`/login?refused=${error.code}`, 303)
    }
  })

async function takeIn(
  deps: Deps,
  c: Context<HouseEnv, '/:provider/callback'>,
  secret: string | null,
): Promise<string> {
  const provider = providerOf(deps, c.req.param('provider'))
  const query = new URL(c.req.url).searchParams
  const way = await transact(deps.db, (tx) =>
    comeBack(tx.db, provider.key, { secret, state: query.get('state') }),
  )
  const facts = {
    ...({ actor_id: null, actor: 'nobody', actor_kind: 'nobody', via: 'none', token: null } as const),
    ...{ address: c.get('address') || null, organization_id: null, project: null },
    ...{ action: way.user_id === null ? 'session.start' : 'login.link', target: c.req.path },
  }
  const fresh = await onRecord(deps.book, facts, async () => {
    const claimed = await claimedBy(provider, { ...way, back: backTo(deps, provider) }, query)
    return begin(deps.db, c, { provider, claimed, user: way.user_id, invitation: way.invitation_id })
  })
  if (fresh) keepSession(c, fresh, deps.publicUrl())
  return way.target
}

const claimedBy = (provider: Provider, way: Way, query: URLSearchParams): Promise<Claimed> =>
  provider.finish(way, query).catch((error: unknown) => {
    log.warn({ err: error, provider: provider.key }, 'provider.refused')
    throw new Problem(
      'provider-refused',
      `${provider.name} did not say who it is; the server’s log tells more`,
    )
  })

/** Begin a session for who came; null where they only link a login to the one they have. */
function begin(db: Db, c: Context<HouseEnv>, arrival: Arrival): Promise<Secret | null> {
  const before = sessionIn(c.req.header('cookie'))
  const how = arrival.provider.name
  return transact(db, async (tx) => {
    const user = await arrive(tx, arrival)
    const { name } = await meOf(tx.db, user)
    audited({ actor: { id: user, name }, after: { how, as: arrival.claimed.name } })
    if (arrival.user !== null) return null
    if (before !== null) await endSession(tx.db, before)
    return newSession(tx.db, user, {
      client: c.req.header('user-agent') ?? null,
      address: c.get('address'),
      how,
    })
  })
}
