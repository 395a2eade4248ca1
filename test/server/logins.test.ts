import { expect, test } from 'vitest'
import type { Provider } from '../../server/access/provider.ts'
import { providersOf } from '../../server/access/providers.ts'
import { readConfig } from '../../server/config.ts'
import { githubLogin, OCTOCAT } from '../support/github-login.ts'
import { CLIENT, openIdProvider, passThrough } from '../support/openid.ts'
import { person } from '../support/people.ts'
import { type Answer, type House, startHouse } from '../support/server.ts'
import { Signed, signedIn } from '../support/sessions.ts'

/** Several whole ways to a provider and back. */
const SLOW = { timeout: 120_000 }

const PEOPLE = {
  ada: { email: 'ada@example.org', email_verified: true, preferred_username: 'ada' },
  eve: { email: 'ada@example.org', email_verified: false, preferred_username: 'admin' },
}

async function withOpenId(more: Record<string, string> = {}, people = PEOPLE as Record<string, object>) {
  const stack = new AsyncDisposableStack()
  const provider = stack.use(await openIdProvider(people))
  const house = stack.use(
    await startHouse({
      ...{ TAKT_OIDC_ISSUER: provider.issuer, TAKT_OIDC_NAME: 'Acme', ...more },
      ...{ TAKT_OIDC_CLIENT_ID: CLIENT.id, TAKT_OIDC_CLIENT_SECRET: CLIENT.secret },
    }),
  )
  provider.serve(`${house.url}/login/oidc/callback`)
  return { house, provider, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

async function withGithub(given: Parameters<typeof githubLogin>[0] = {}) {
  const stack = new AsyncDisposableStack()
  const github = stack.use(await githubLogin(given))
  const house = stack.use(
    await startHouse({
      TAKT_GITHUB_URL: github.url,
      TAKT_GITHUB_CLIENT_ID: 'x',
      TAKT_GITHUB_CLIENT_SECRET: 'shh',
    }),
  )
  return { house, github, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

const cookieNamed = (answer: Answer, name: string) =>
  answer.headers
    .getSetCookie()
    .map((line) => line.split(';')[0]!)
    .find((each) => each.startsWith(`${name}=`) && !each.endsWith('='))

type Way = { readonly to?: string; readonly link?: true; readonly invitation?: string }

/** Go to a provider and come back as somebody. @returns Where the browser ends up, and with which session. */
async function comeIn(house: House, who: string, { via, ...way }: Way & { via?: Signed } = {}) {
  const providers = (await house.ask('GET /api/v1/login-providers', undefined, { as: null })).body.items
  const wish = { provider: providers[0].id, ...way }
  const headers: Record<string, string> = via ? { cookie: via.cookie } : {}
  const start = await house.ask('POST /api/v1/login-ways', wish, { as: null, headers })
  if (start.status !== 201) throw new Error(start.text)
  const back = await passThrough(start.body.url, who, `${house.url}/login/`)
  const cookie = [cookieNamed(start, 'takt_way'), via?.cookie].filter(Boolean).join('; ')
  const landed = await house.ask(`GET ${back.slice(house.url.length)}`, undefined, {
    as: null,
    headers: { cookie },
  })
  const session = cookieNamed(landed, 'takt_session')
  return {
    landed,
    back,
    cookie,
    to: landed.headers.get('location'),
    session: session ? new Signed(house, session) : null,
  }
}

const invite = async (house: House) =>
  (await house.ask('POST /api/v1/organizations/default/invitations', { role: 'operator' })).body.url.split(
    '#',
  )[1] as string

test(
  'who was invited makes an account by the provider, and comes back to it by the same login',
  SLOW,
  async () => {
    await using it = await withOpenId()
    const { house } = it
    expect((await comeIn(house, 'ada')).to).toBe('/login?refused=no-account')
    const first = await comeIn(house, 'ada', { invitation: await invite(house), to: '/runs/1?show=tests#x' })
    expect(first.landed.status).toBe(303)
    expect(first.to).toBe('/runs/1?show=tests#x')
    expect((await first.session!.ask('GET /api/v1/me')).body).toMatchObject({
      ...{ name: 'ada', email: 'ada@example.org', role: 'member', has_password: false, linked: 1 },
    })
    const again = await comeIn(house, 'ada')
    expect((await again.session!.ask('GET /api/v1/me')).body.name).toBe('ada')
    const { items } = (await again.session!.ask('GET /api/v1/sessions')).body
    expect(items[0]).toMatchObject({ how: 'Acme', current: true })
    expect((await again.session!.ask('GET /api/v1/me/logins')).body.items).toMatchObject([
      { id: 'oidc', name: 'Acme', as: 'ada' },
    ])
    expect(await house.db.selectFrom('grants').select('role').execute()).toEqual([{ role: 'operator' }])
    const told = (await house.ask('GET /api/v1/audit?action=session.start')).body.items
    expect(told.map((entry: Record<string, string>) => [entry['actor'], entry['outcome']])).toEqual([
      ['ada', 'done'],
      ['ada', 'done'],
      ['nobody', 'denied'],
    ])
    await house.ask('POST /api/v1/users/ada/disable')
    expect((await comeIn(house, 'ada')).to).toBe('/login?refused=no-account')
  },
)

test(
  'a way back is good once, in the browser that set out, on any server, for ten minutes',
  SLOW,
  async () => {
    await using it = await withOpenId({ TAKT_OIDC_ACCOUNTS: 'everybody' })
    const { house } = it
    const come = (back: string, cookie: string) =>
      house.ask(`GET ${back.slice(house.url.length)}`, undefined, {
        as: null,
        headers: cookie ? { cookie } : {},
      })
    const done = await comeIn(house, 'ada')
    expect(done.session).not.toBeNull()
    const lost = '/login?refused=login-way-lost'
    expect((await come(done.back, done.cookie)).headers.get('location')).toBe(lost)

    const setOut = async () => {
      const start = await house.ask('POST /api/v1/login-ways', { provider: 'oidc' }, { as: null })
      return { url: start.body.url as string, cookie: cookieNamed(start, 'takt_way')! }
    }
    const [mine, theirs] = [await setOut(), await setOut()]
    const back = await passThrough(mine.url, 'ada', `${house.url}/login/`)
    expect(new URL(mine.url).searchParams.get('state')).not.toContain(mine.cookie.split('=')[1])
    for (const cookie of ['', theirs.cookie, 'takt_way=made-up'])
      expect((await come(back, cookie)).headers.get('location')).toBe(lost)
    await house.restart()
    expect((await come(back, mine.cookie)).headers.get('location')).toBe('/')

    const slow = await setOut()
    const late = await passThrough(slow.url, 'ada', `${house.url}/login/`)
    await house.db
      .updateTable('login_ways')
      .set({ expires_at: new Date(0) })
      .execute()
    expect((await come(late, slow.cookie)).headers.get('location')).toBe(lost)
  },
)

test(
  'an e-mail address opens an account only where a provider vouched for it there and here',
  SLOW,
  async () => {
    await using it = await withOpenId({ TAKT_OIDC_ACCOUNTS: 'everybody' })
    const { house } = it
    // somebody wrote Ada's address beside an account of their own, and waits for her
    const trap = await person(house, 'trap')
    await house.db.updateTable('users').set({ email: 'Ada@example.org' }).where('id', '=', trap.id).execute()
    const eve = await comeIn(house, 'eve') // says Ada's address, which nobody vouches for, and the admin's name
    expect((await eve.session!.ask('GET /api/v1/me')).body).toMatchObject({
      name: 'admin-2',
      role: 'member',
      email: null,
    })
    const ada = await comeIn(house, 'ada')
    expect((await ada.session!.ask('GET /api/v1/me')).body).toMatchObject({
      name: 'ada',
      email: 'ada@example.org',
    })
    expect((await house.ask('GET /api/v1/me', undefined, { as: trap.token })).body.email).toBeNull()
    // her address has been given to somebody else there: the account stays hers
    await house.db
      .updateTable('identities')
      .set({ subject: 'somebody-before' })
      .where('name', '=', 'ada')
      .execute()
    expect((await comeIn(house, 'ada')).to).toBe('/login?refused=no-account')
    // and where nobody from there has opened it yet, it is hers by the address
    await house.db.deleteFrom('identities').execute()
    const again = await comeIn(house, 'ada')
    expect((await again.session!.ask('GET /api/v1/me')).body.name).toBe('ada')
  },
)

test(
  'who is signed in links a login, which then opens that account and no other, and parts with it again',
  SLOW,
  async () => {
    await using it = await withOpenId()
    const { house } = it
    const { token } = await person(house, 'grace')
    const grace = await signedIn(house, token)
    const linked = await comeIn(house, 'ada', { link: true, to: '/account', via: grace })
    expect(linked.to).toBe('/account')
    const by = await comeIn(house, 'ada')
    expect((await by.session!.ask('GET /api/v1/me')).body.name).toBe('grace')

    const { token: other } = await person(house, 'other')
    const taken = await comeIn(house, 'ada', { link: true, via: await signedIn(house, other) })
    expect(taken.to).toBe('/login?refused=identity-taken')
    const byToken = await house.ask(
      'POST /api/v1/login-ways',
      { provider: 'oidc', link: true },
      { as: token },
    )
    expect(byToken.body.code).toBe('session-needed')

    expect((await grace.ask('DELETE /api/v1/me/logins/oidc')).body.code).toBe('last-way-in')
    await grace.ask('PUT /api/v1/me/password', { password: 'correct horse battery' })
    expect((await grace.ask('DELETE /api/v1/me/logins/oidc')).status).toBe(204)
    expect((await comeIn(house, 'ada')).to).toBe('/login?refused=no-account')
  },
)

test.each([
  '//evil.example/',
  'https://evil.example/',
  '/\\evil.example',
  '/.//evil.example',
  '/login?x',
  'x',
  '/\t/evil.example',
])('a login never leads to %j', async (to) => {
  await using it = await withGithub()
  const { body } = await it.house.ask('POST /api/v1/login-ways', { provider: 'github', to }, { as: null })
  expect(body.url).toMatch(/^http:\/\/127\.0\.0\.1:/)
  const { target } = await it.house.db.selectFrom('login_ways').select('target').executeTakeFirstOrThrow()
  expect(target).toBe('/')
})

test('GitHub opens the account of who was invited; only its first, verified address counts', async () => {
  await using it = await withGithub()
  const { house } = it
  expect((await comeIn(house, 'any')).to).toBe('/login?refused=no-account')
  const first = await comeIn(house, 'any', { invitation: await invite(house) })
  expect((await first.session!.ask('GET /api/v1/me')).body).toMatchObject({
    name: 'octocat',
    email: 'octocat@github.com',
  })
  const rows = await house.db.selectFrom('identities').selectAll().execute()
  expect(rows).toMatchObject([{ provider: `github:${it.github.url}`, subject: '1', name: 'octocat' }])
})

test('a renamed GitHub account is the same person; another one of that name is not', async () => {
  await using it = await withGithub({ user: { ...OCTOCAT, login: 'renamed' }, emails: [] })
  const { id } = await person(it.house, 'octocat')
  await it.house.db
    .insertInto('identities')
    .values({ provider: `github:${it.github.url}`, subject: '1', user_id: id, name: 'octocat' })
    .execute()
  const back = await comeIn(it.house, 'any')
  expect((await back.session!.ask('GET /api/v1/me')).body).toMatchObject({ name: 'octocat', email: null })
})

test('what comes back and was not asked for, or not by us, opens nothing', async () => {
  await using it = await withGithub()
  const { house } = it
  const start = await house.ask('POST /api/v1/login-ways', { provider: 'github' }, { as: null })
  const state = new URL(start.body.url).searchParams.get('state')
  const headers = { cookie: cookieNamed(start, 'takt_way')! }
  const come = (path: string) => house.ask(`GET /login/${path}`, undefined, { as: null, headers })
  expect((await come('nobody/callback?code=x')).headers.get('location')).toBe(
    '/login?refused=provider-not-found',
  )
  const forged = await come(`github/callback?code=stolen&state=${state}`)
  expect(forged.headers.get('location')).toBe('/login?refused=provider-refused')
  expect(await house.db.selectFrom('sessions').select('id').execute()).toEqual([])
})

test('a provider that does not answer is said so, and is asked again the next time', async () => {
  const gone = await openIdProvider({})
  await gone[Symbol.asyncDispose]()
  await using house = await startHouse({
    ...{ TAKT_OIDC_ISSUER: gone.issuer, TAKT_OIDC_CLIENT_ID: 'x', TAKT_OIDC_CLIENT_SECRET: 'y' },
  })
  const answer = await house.ask('POST /api/v1/login-ways', { provider: 'oidc' }, { as: null })
  expect(answer).toMatchObject({ status: 503, body: { code: 'provider-away' } })
  expect((await house.ask('POST /api/v1/login-ways', { provider: 'github' }, { as: null })).body.code).toBe(
    'provider-not-found',
  )
})

test('half a provider is no provider: the settings name what is missing', () => {
  const of = (env: Record<string, string>): readonly Provider[] => providersOf(readConfig(env))
  expect(of({})).toEqual([])
  expect(() => of({ TAKT_OIDC_ISSUER: 'https://id.example.org' })).toThrow(
    'TAKT_OIDC_CLIENT_ID and TAKT_OIDC_CLIENT_SECRET',
  )
  expect(() => of({ TAKT_GITHUB_CLIENT_ID: 'x' })).toThrow('TAKT_GITHUB_CLIENT_SECRET')
  expect(() => of({ TAKT_OIDC_ISSUER: 'http://id.example.org' })).toThrow('https://')
})
