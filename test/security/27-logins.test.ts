import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { claimedOf } from '../../server/access/oidc-provider.ts'
import { CLIENT, openIdProvider, passThrough } from '../support/openid.ts'
import { type Answer, startHouse } from '../support/server.ts'

// Every way in and back, and every refusal: test/server/logins.test.ts.

const cookieNamed = (answer: Answer, name: string) =>
  answer.headers
    .getSetCookie()
    .map((line) => line.split(';')[0]!)
    .find((each) => each.startsWith(`${name}=`)) ?? ''

test('27: a login is bound by state and PKCE, leads to our own pages, is let in once, and is kept as a hash', async () => {
  await using provider = await openIdProvider({
    ada: { email: 'ada@example.org', email_verified: true, preferred_username: 'ada' },
  })
  await using house = await startHouse({
    ...{ TAKT_OIDC_ISSUER: provider.issuer, TAKT_OIDC_NAME: 'Acme' },
    ...{ TAKT_OIDC_CLIENT_ID: CLIENT.id, TAKT_OIDC_CLIENT_SECRET: CLIENT.secret },
  })
  provider.serve(`${house.url}/login/oidc/callback`)
  const invited = async () =>
    (await house.ask('POST /api/v1/organizations/default/invitations', { role: 'viewer' })).body.url.split(
      '#',
    )[1]
  const nobody = { as: null }
  const go = async (to: string, invitation?: string) => {
    const start = await house.ask('POST /api/v1/login-ways', { provider: 'oidc', to, invitation }, nobody)
    return { way: cookieNamed(start, 'takt_way'), url: start.body.url as string }
  }
  const come = (back: string, cookie: string) =>
    house.ask(`GET ${back.slice(house.url.length)}`, undefined, { as: null, headers: { cookie } })

  const { way, url } = await go('//evil.example/', await invited())
  const asked = new URL(url).searchParams
  expect(asked.get('code_challenge_method')).toBe('S256')
  expect(asked.get('code_challenge')).toMatch(/^[\w-]{43}$/)
  expect(asked.get('state')).toMatch(/^[\w-]{20,}$/)
  const back = await passThrough(url, 'ada', `${house.url}/login/`)

  // Another browser that is handed the way back, and a state that is another one, are let in nowhere.
  const other = await go('/')
  for (const [address, cookie] of [
    [back, ''],
    [back, other.way],
    [back.replace(/state=[\w-]+/, 'state=forged'), way],
  ] as const) {
    const refused = await come(address, cookie)
    expect(refused.headers.get('location')).toMatch(/^\/login\?refused=/)
    expect(cookieNamed(refused, 'takt_session')).toBe('')
  }
  expect(await house.db.selectFrom('sessions').select('id').execute()).toEqual([])

  const again = await go('//evil.example/', await invited())
  const home = await passThrough(again.url, 'ada', `${house.url}/login/`)
  const landed = await come(home, again.way)
  expect(landed.headers.get('location')).toBe('/')
  const session = cookieNamed(landed, 'takt_session').split('=')[1]!
  expect(session.length).toBeGreaterThan(30)
  expect((await come(home, again.way)).headers.get('location')).toMatch(/^\/login\?refused=/)

  const kept = await house.db.selectFrom('sessions').selectAll().execute()
  const hashes = kept.map((row) => JSON.stringify(row))
  expect(hashes).toHaveLength(1)
  expect(hashes.join()).not.toContain(session)
  const hash = createHash('sha256').update(session).digest()
  expect(
    kept.some((row) => Object.values(row).some((value) => Buffer.isBuffer(value) && value.equals(hash))),
  ).toBe(true)

  // Whoever comes in anew has a session of its own, whatever it brought.
  const third = await go('/')
  const home3 = await passThrough(third.url, 'ada', `${house.url}/login/`)
  const anew = await come(home3, `${third.way}; takt_session=${session}`)
  const fresh = cookieNamed(anew, 'takt_session').split('=')[1]!
  expect([fresh.length > 30, fresh === session]).toEqual([true, false])
})

test('27: an address counts as vouched for only where the provider says both in one breath', () => {
  const idToken = { sub: '1', email: 'own@example.org', email_verified: true }
  expect(claimedOf(idToken, { sub: '1' }).email).toBe('own@example.org')
  expect(claimedOf(idToken, { sub: '1', email: 'victim@example.org' }).email).toBeNull()
  expect(claimedOf({ sub: '1' }, { email: 'a@example.org', email_verified: true }).email).toBe(
    'a@example.org',
  )
})
