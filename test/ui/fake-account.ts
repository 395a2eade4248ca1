import type { FreshToken, LinkedLogins, Session, Token, User } from '../../ui/lib/account-api.ts'
import { no, ok, type Asked, type Reply, type Route } from './fake-reply.ts'
import type { FakeWorld } from './fake-world.ts'

const AT = '2026-03-01T12:00:00.000Z'
export const PASSWORD = 'correct horse battery'

const sessionOf = (given: Partial<Session>): Session => ({
  ...{ id: 1, current: true, how: 'password', address: '192.0.2.7' },
  client: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  ...{ created_at: AT, seen_at: AT, expires_at: AT },
  ...given,
})

const tokenOf = (given: Partial<Token>): Token => ({
  ...{ id: 1, name: 'laptop', prefix: 'takt_Zx3abc', role: null, project: null },
  ...{ created_at: AT, expires_at: null, last_used_at: AT },
  ...given,
})
const userOf = (given: Partial<User>): User => ({
  ...{ name: 'ada', kind: 'person', role: 'admin', email: 'ada@example.org', organization: null },
  ...{ has_password: true, tokens: 2, created_at: AT, seen_at: AT, disabled_at: null },
  ...given,
})
export const SECRET = 'takt_shown-this-once-and-never-again-000000000000'

export const INVITATION = 'good-invitation'

type Account = {
  hasPassword: boolean
  sessions: Session[]
  tokens: Token[]
  users: User[]
  logins: LinkedLogins['items']
}
const accounts = new WeakMap<FakeWorld, Account>()
/** What the one who is signed in has; it begins with a password and two sessions. */
export function accountIn(world: FakeWorld): Account {
  const known = accounts.get(world)
  if (known) return known
  const phone =
    'Mozilla/5.0 (Linux; Android 16; a-phone-with-quite-a-long-name) Chrome/142.0 Mobile Safari/537.36'
  const sessions = [sessionOf({}), sessionOf({ id: 2, current: false, how: 'link', client: phone })]
  const soon = new Date(Date.now() + 3 * 86_400_000).toISOString()
  const tokens = [
    tokenOf({}),
    tokenOf({ id: 2, name: 'nightly-report', role: 'viewer', project: 'shop', expires_at: soon }),
  ]
  const users = [
    userOf({}),
    userOf({ name: 'deploy-bot', kind: 'service', role: 'member', email: null, organization: 'default' }),
    userOf({
      name: 'eve',
      role: 'member',
      email: 'eve.with.a.long.address@department.example.org',
      seen_at: null,
    }),
  ]
  const logins: LinkedLogins['items'] = [
    { id: 'oidc', name: 'Acme', as: null, since: null },
    { id: 'github', name: 'GitHub', as: 'ada-on-github', since: AT },
  ]
  const fresh: Account = { hasPassword: true, sessions, tokens, users, logins }
  accounts.set(world, fresh)
  return fresh
}

export const meIn = (world: FakeWorld) => ({
  ...{ name: 'ada', role: world.standing, kind: 'person', email: 'ada@example.org' },
  has_password: accountIn(world).hasPassword,
  linked: 0,
})

function setPassword({ world, body }: Asked): Reply {
  const account = accountIn(world)
  if (account.hasPassword && body['current'] !== PASSWORD)
    return no(
      422,
      'wrong-password',
      'The present password is another one',
      'send the one that you sign in with now',
    )
  account.hasPassword = true
  account.sessions = account.sessions.filter(({ current }) => current)
  return { status: 204, body: null }
}

export const ACCOUNT: readonly Route[] = [
  ['GET', /^\/me$/, ({ world }) => ok(meIn(world))],
  ['PUT', /^\/me\/password$/, setPassword],
  ['GET', /^\/sessions$/, ({ world }) => ok({ items: accountIn(world).sessions, next: null })],
  [
    'DELETE',
    /^\/sessions\/(\d+)$/,
    ({ world }, id) => {
      const account = accountIn(world)
      account.sessions = account.sessions.filter((session) => session.id !== Number(id))
      return { status: 204, body: null }
    },
  ],
  ['GET', /^\/tokens$/, ({ world }) => ok({ items: accountIn(world).tokens, next: null })],
  ['POST', /^\/tokens$/, addToken],
  [
    'DELETE',
    /^\/tokens\/(\d+)$/,
    ({ world }, id) => {
      const account = accountIn(world)
      account.tokens = account.tokens.filter((token) => token.id !== Number(id))
      return { status: 204, body: null }
    },
  ],
  [
    'POST',
    /^\/invitations\/look$/,
    ({ body }) =>
      body['secret'] === INVITATION
        ? ok({
            ...{ id: 1, organization: 'acme', role: 'operator', team: 'ship', email: null },
            ...{ invited_by: 'grace', created_at: AT, expires_at: AT },
          })
        : no(
            404,
            'invitation-not-found',
            'There is no such invitation',
            'it was opened or withdrawn, or is too old',
          ),
  ],
  [
    'POST',
    /^\/invitations\/accept$/,
    ({ world }) => ({ ...ok(meIn(world)), cookie: 'takt=in; Path=/; HttpOnly' }),
  ],
  [
    'GET',
    /^\/login-providers$/,
    () =>
      ok({
        items: [
          { id: 'oidc', name: 'Acme' },
          { id: 'github', name: 'GitHub' },
        ],
        next: null,
      }),
  ],
  ['POST', /^\/login-ways$/, () => ({ status: 201, body: { url: '/login?refused=no-account' } })],
  ['GET', /^\/me\/logins$/, ({ world }) => ok({ items: accountIn(world).logins, next: null })],
  [
    'DELETE',
    /^\/me\/logins\/github$/,
    () => no(409, 'last-way-in', 'Nothing else would open the account', 'set a password first'),
  ],
  ['GET', /^\/users$/, ({ world }) => ok({ items: accountIn(world).users, next: null })],
  ['POST', /^\/users\/(\w+)\/disable$/, ({ world }, name) => changed(world, name, { disabled_at: AT })],
  ['POST', /^\/users\/(\w+)\/enable$/, ({ world }, name) => changed(world, name, { disabled_at: null })],
  [
    'POST',
    /^\/users\/(\w+)\/login-links$/,
    () => ({ status: 201, body: { url: 'http://takt.example/login#once' } }),
  ],
]

function addToken({ world, body }: Asked): Reply {
  const account = accountIn(world)
  if (account.tokens.some(({ name }) => name === body['name']))
    return no(
      409,
      'token-exists',
      'An API token of this name exists already',
      `end the token \`${body['name']}\` first`,
    )
  const token = tokenOf({ ...body, id: account.tokens.length + 1, last_used_at: null })
  account.tokens.unshift(token)
  const fresh: FreshToken = { ...token, secret: SECRET }
  return { status: 201, body: fresh }
}

function changed(world: FakeWorld, name: string | undefined, change: Partial<User>): Reply {
  const account = accountIn(world)
  account.users = account.users.map((user) => (user.name === name ? { ...user, ...change } : user))
  return { status: 204, body: null }
}
