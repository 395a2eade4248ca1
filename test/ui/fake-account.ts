import type { Session } from '../../ui/lib/account-api.ts'
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

type Account = { hasPassword: boolean; sessions: Session[] }
const accounts = new WeakMap<FakeWorld, Account>()
/** What the one who is signed in has; it begins with a password and two sessions. */
export function accountIn(world: FakeWorld): Account {
  const known = accounts.get(world)
  if (known) return known
  const phone =
    'Mozilla/5.0 (Linux; Android 16; a-phone-with-quite-a-long-name) Chrome/142.0 Mobile Safari/537.36'
  const sessions = [sessionOf({}), sessionOf({ id: 2, current: false, how: 'link', client: phone })]
  const fresh = { hasPassword: true, sessions }
  accounts.set(world, fresh)
  return fresh
}

export const meIn = (world: FakeWorld) => ({
  ...{ name: 'ada', role: 'admin', kind: 'person', email: 'ada@example.org' },
  has_password: accountIn(world).hasPassword,
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
]
