import type { Token } from '../../ui/lib/account-api.ts'
import type { ServiceAccount } from '../../ui/lib/program-accounts-api.ts'
import { SECRET } from './fake-account.ts'
import { type Asked, no, ok, type Reply, type Route } from './fake-reply.ts'
import type { FakeWorld } from './fake-world.ts'

const AT = '2026-03-01T12:00:00.000Z'
type FakeAccount = Omit<ServiceAccount, 'tokens'> & { tokens: Token[] }

const accountOf = (given: Partial<FakeAccount>): FakeAccount => ({
  ...{ name: 'deploy-bot', role: 'operator', tokens: [], created_at: AT, disabled_at: null },
  ...given,
})
const tokenOf = (given: Partial<Token>): Token => ({
  ...{ id: 1, name: 'ci', prefix: 'takt_Bo7abc', role: null, project: null },
  ...{ created_at: AT, expires_at: null, last_used_at: AT },
  ...given,
})

const worlds = new WeakMap<FakeWorld, Map<string, FakeAccount[]>>()
/** The programs of the organizations of a world: one in use and one disabled, and none in any other. */
export function programsIn(world: FakeWorld, organization: string): FakeAccount[] {
  const fresh = [
    accountOf({
      tokens: [tokenOf({}), tokenOf({ id: 2, name: 'nightly', project: 'shop', role: 'viewer' })],
    }),
    accountOf({ name: 'old-bot-with-quite-a-long-name', role: null, disabled_at: AT }),
  ]
  const known = worlds.get(world) ?? new Map([['default', fresh]])
  worlds.set(world, known)
  const found = known.get(organization) ?? []
  known.set(organization, found)
  return found
}

const shown = ({ tokens, ...account }: FakeAccount): ServiceAccount => ({
  ...account,
  tokens: tokens.length,
})

function add({ world, body }: Asked, organization = ''): Reply {
  const programs = programsIn(world, organization)
  const name = String(body['name'])
  if (programs.some((one) => one.name === name))
    return no(409, 'user-exists', 'Somebody has this name already', `\`${name}\` is taken`)
  const made = accountOf({ name, role: (body['role'] as ServiceAccount['role'] | undefined) ?? null })
  programs.push(made)
  return { status: 201, body: shown(made) }
}

const ofOne = (does: (account: FakeAccount, asked: Asked, id: string) => Reply) =>
  function answered(asked: Asked, organization = '', name = '', id = ''): Reply {
    const found = programsIn(asked.world, organization).find((one) => one.name === name)
    return found ? does(found, asked, id) : no(404, 'user-not-found', 'There is nobody of this name')
  }

const disable = ofOne((account) => {
  Object.assign(account, { disabled_at: AT, tokens: [], role: null })
  return { status: 204, body: null }
})
const give = ofOne((account, { body }) => {
  const token = tokenOf({ ...body, id: account.tokens.length + 10, last_used_at: null })
  account.tokens.unshift(token)
  return { status: 201, body: { ...token, secret: SECRET } }
})
const withdraw = ofOne((account, _asked, id) => {
  account.tokens = account.tokens.filter((token) => token.id !== Number(id))
  return { status: 204, body: null }
})

const ALL = /^\/organizations\/([^/]+)\/service-accounts$/
const TOKENS = /^\/organizations\/([^/]+)\/service-accounts\/([^/]+)\/tokens$/

export const SERVICE_ACCOUNTS: readonly Route[] = [
  ['GET', ALL, ({ world }, name = '') => ok({ items: programsIn(world, name).map(shown), next: null })],
  ['POST', ALL, add],
  ['DELETE', /^\/organizations\/([^/]+)\/service-accounts\/([^/]+)$/, disable],
  ['GET', TOKENS, ofOne(({ tokens }) => ok({ items: tokens, next: null }))],
  ['POST', TOKENS, give],
  ['DELETE', /^\/organizations\/([^/]+)\/service-accounts\/([^/]+)\/tokens\/(\d+)$/, withdraw],
]
