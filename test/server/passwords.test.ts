import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { UserId } from '#pipelines/ids.ts'
import { networkOf } from '../../server/http/address.ts'
import { checkStrength, hashPassword, isPassword } from '../../server/access/passwords.ts'
import { person } from '../support/people.ts'
import { cookieOf, GOOD, signedIn } from '../support/sessions.ts'
import { type House, startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

const logIn = (house: House, name: string, password: string, more: Record<string, string> = {}) =>
  house.ask('POST /api/v1/session', { name, password }, { as: null, headers: more })

/** Somebody with a password, who has just set it. */
async function withPassword(house: House, name: string, email: string | null = null) {
  const { id, token } = await person(house, name)
  await house.db.updateTable('users').set({ email }).where('id', '=', id).execute()
  const first = await signedIn(house, token)
  const set = await first.ask('PUT /api/v1/me/password', { password: GOOD })
  expect(set.status).toBe(204)
  return { id, token, session: first, set }
}

test('a password is kept as Argon2id with a salt of its own, and only it opens', async () => {
  const [one, other] = await Promise.all([hashPassword(GOOD), hashPassword(GOOD)])
  expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  expect(one).not.toBe(other)
  expect(await isPassword(GOOD, one)).toBe(true)
  expect(await isPassword(`${GOOD} `, one)).toBe(false)
  expect(await isPassword('', null)).toBe(false)
  // é of one keyboard and e with an accent of another; and a hash of another house, with another cost
  expect(
    await isPassword('cafe\u0301 au lait complet', await hashPassword('caf\u00e9 au lait complet')),
  ).toBe(true)
  await expect(isPassword(GOOD, '$2b$10$abc')).rejects.toThrow('notation')
})

test.each([
  ['short', 'it has 5 letters, and 12 are the least'],
  ['abababababababab', 'fewer than five different'],
  ['ada.lovelace1', 'little more than `ada.lovelace`'],
  ['x'.repeat(201), '200 are the most'],
])('the password %j is refused in words', (password, words) => {
  expect(() => checkStrength(password, ['ada.lovelace'])).toThrow(words)
})

test('an address stands for the network that one customer is given', () => {
  expect(networkOf('192.0.2.7')).toBe('192.0.2.7')
  expect(networkOf('2001:db8::1')).toBe(networkOf('2001:db8:0:0:ffff::2'))
  expect(networkOf('2001:db8:0:1::1')).not.toBe(networkOf('2001:db8::1'))
})

test('who has set a password signs in with name or e-mail address, and nobody learns which names there are', async () => {
  await using house = await startHouse()
  await withPassword(house, 'ada', 'Ada@Example.org')
  await person(house, 'eve')
  expect(await logIn(house, 'ada', GOOD)).toMatchObject({
    status: 200,
    body: { name: 'ada', role: 'member', email: 'Ada@Example.org', has_password: true },
  })
  expect((await logIn(house, 'ada@example.org', GOOD)).status).toBe(200)
  const wrong = [
    await logIn(house, 'ada', 'another password'),
    await logIn(house, 'nobody', GOOD),
    await logIn(house, 'eve', GOOD), // there, without a password
  ]
  expect(wrong.map(({ status, text }) => [status, text])).toEqual([
    [401, wrong[0]!.text],
    [401, wrong[0]!.text],
    [401, wrong[0]!.text],
  ])
  expect(wrong[0]!.body.code).toBe('bad-login')
})

test('after ten wrong passwords an account waits, on every server, and says for how long', async () => {
  await using house = await startHouse({ TAKT_PROXIES: '1' })
  const { id } = await withPassword(house, 'ada')
  // at once, from as many addresses: each counts before anybody looks whether it is right
  const guesses = Array.from({ length: 14 }, (_, at) =>
    logIn(house, 'ada', `wrong password ${at}`, { 'x-forwarded-for': `198.51.100.${at}` }),
  )
  const codes = (await Promise.all(guesses)).map(({ body }) => body.code)
  expect(codes.filter((code) => code === 'bad-login')).toHaveLength(10)
  expect(codes.filter((code) => code === 'too-many-attempts')).toHaveLength(4)
  await house.restart()
  const right = await logIn(house, 'ada', GOOD, { 'x-forwarded-for': '203.0.113.1' })
  expect(right).toMatchObject({ status: 429, body: { code: 'too-many-attempts' } })
  expect(Number(right.headers.get('retry-after'))).toBeGreaterThan(800)
  // a name that nobody has is counted alike
  const nobody = await Promise.all(
    Array.from({ length: 11 }, () => logIn(house, 'nobody', GOOD, { 'x-forwarded-for': '203.0.113.2' })),
  )
  expect(nobody.filter(({ status }) => status === 429)).toHaveLength(1)
  await house.db
    .updateTable('login_attempts')
    .set({ since: new Date(Date.now() - 16 * 60_000) })
    .execute()
  expect((await logIn(house, 'ada', GOOD)).status).toBe(200)
  expect(id).toBeGreaterThan(0)
})

test('one address may be wrong thirty times, however many names it tries; a lie about it changes nothing', async () => {
  await using house = await startHouse()
  const tries = await Promise.all(
    Array.from({ length: 31 }, (_, at) =>
      logIn(house, `name-${at}`, GOOD, { 'x-forwarded-for': `198.51.100.${at}` }),
    ),
  )
  expect(tries.filter(({ status }) => status === 429)).toHaveLength(1)
})

test('a new password needs the present one, ends every other session, and voids login links', async () => {
  await using house = await startHouse()
  const { id, session } = await withPassword(house, 'ada')
  const other = cookieOf(await logIn(house, 'ada', GOOD))
  const link = await session.ask('POST /api/v1/login-links')
  const next = 'quite another good one'
  for (const [body, code] of [
    [{ password: next }, 'wrong-password'],
    [{ current: 'not this one at all', password: next }, 'wrong-password'],
    [{ current: GOOD, password: 'short' }, 'weak-password'],
  ] as const)
    expect(await session.ask('PUT /api/v1/me/password', body)).toMatchObject({ status: 422, body: { code } })
  const before = session.cookie
  expect((await session.ask('PUT /api/v1/me/password', { current: GOOD, password: next })).status).toBe(204)
  expect(session.cookie).not.toBe(before)
  const me = async (cookie: string) =>
    (await house.ask('GET /api/v1/me', undefined, { as: null, headers: { cookie } })).status
  expect([await me(session.cookie), await me(before), await me(other)]).toEqual([200, 401, 401])
  const opened = await house.ask('POST /api/v1/session', { link: link.body.url.split('#')[1] }, { as: null })
  expect(opened.body.code).toBe('bad-login-link')
  expect((await logIn(house, 'ada', GOOD)).status).toBe(401)
  expect((await logIn(house, 'ada', next)).status).toBe(200)
  const { phc } = await house.db
    .selectFrom('passwords')
    .select('phc')
    .where('user_id', '=', id)
    .executeTakeFirstOrThrow()
  expect(phc).not.toContain(next)
})

test('an API token sets no password, and one with bounds or an end makes neither link nor session', async () => {
  await using house = await startHouse()
  const { id, token: as } = await person(house, 'ada')
  const code = async (request: string, body?: object) => (await house.ask(request, body, { as })).body?.code
  expect(await code('PUT /api/v1/me/password', { password: GOOD })).toBe('session-needed')
  await house.db.updateTable('tokens').set({ role: 'viewer' }).where('user_id', '=', id).execute()
  expect(await code('POST /api/v1/login-links')).toBe('session-needed')
  expect(await code('POST /api/v1/session')).toBe('session-needed')
  const later = new Date(Date.now() + 60_000)
  await house.db
    .updateTable('tokens')
    .set({ role: null, expires_at: later })
    .where('user_id', '=', id)
    .execute()
  expect(await code('POST /api/v1/login-links')).toBe('session-needed')
  expect(await code('POST /api/v1/session')).toBe('session-needed')
})

test('sessions are listed with where they began, and ended one by one or all but this', async () => {
  await using house = await startHouse({ TAKT_PROXIES: '1' })
  const { session } = await withPassword(house, 'ada')
  const from = { 'x-forwarded-for': 'lies, 192.0.2.9', 'user-agent': 'Firefox on a phone' }
  const phone = cookieOf(await logIn(house, 'ada', GOOD, from))
  await logIn(house, 'ada', GOOD)
  const { items } = (await session.ask('GET /api/v1/sessions')).body
  expect(items).toHaveLength(3)
  const there = items.find((each: { address: string }) => each.address === '192.0.2.9')
  expect(there).toMatchObject({ client: 'Firefox on a phone', how: 'password', current: false })
  expect(items.filter((each: { current: boolean }) => each.current)).toHaveLength(1)
  expect((await session.ask(`DELETE /api/v1/sessions/${there.id}`)).status).toBe(204)
  const asks = await house.ask('GET /api/v1/me', undefined, { as: null, headers: { cookie: phone } })
  expect(asks.status).toBe(401)
  const { token: eve } = await person(house, 'eve')
  const foreign = await house.ask(`DELETE /api/v1/sessions/${items[0].id}`, undefined, { as: eve })
  expect(foreign).toMatchObject({ status: 404, body: { code: 'session-not-found' } })
  expect((await session.ask('DELETE /api/v1/sessions')).body).toEqual({ ended: 1 })
  expect((await session.ask('GET /api/v1/me')).status).toBe(200)
})

test('a session ends when nobody has used it for a week, and a month after it began in any case', async () => {
  await using house = await startHouse()
  const { session } = await withPassword(house, 'ada')
  const days = (count: number) => new Date(Date.now() + count * 86_400_000)
  const asked = async () => (await session.ask('GET /api/v1/me')).status
  await house.db
    .updateTable('sessions')
    .set({ seen_at: days(-6.9) })
    .execute()
  expect(await asked()).toBe(200)
  const row = await house.db.selectFrom('sessions').select('seen_at').executeTakeFirstOrThrow()
  expect(row.seen_at.getTime()).toBeGreaterThan(days(-0.1).getTime())
  await house.db
    .updateTable('sessions')
    .set({ seen_at: days(-7.1) })
    .execute()
  expect(await asked()).toBe(401)
  await house.db
    .updateTable('sessions')
    .set({ seen_at: days(0), expires_at: days(-0.01) })
    .execute()
  expect(await asked()).toBe(401)
})

test('signing in gives a new secret and ends the session that was there; so do other rights, once', async () => {
  await using house = await startHouse()
  const { id, session } = await withPassword(house, 'ada')
  const before = session.cookie
  const again = await logIn(house, 'ada', GOOD, { cookie: before })
  expect(cookieOf(again)).not.toBe(before)
  const me = (cookie: string) => house.ask('GET /api/v1/me', undefined, { as: null, headers: { cookie } })
  expect((await me(before)).status).toBe(401)

  const cookie = cookieOf(again)
  expect((await me(cookie)).headers.get('set-cookie')).toBeNull()
  await using watching = await watch(house, cookie)
  await house.db.updateTable('users').set({ role: 'admin' }).where('id', '=', id).execute()
  const answers = await Promise.all([me(cookie), me(cookie), me(cookie)])
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
  const renewed = answers.flatMap(({ headers }) => headers.get('set-cookie') ?? [])
  expect(renewed).toHaveLength(1)
  const fresh = renewed[0]!.split(';')[0]!
  expect((await me(fresh)).headers.get('set-cookie')).toBeNull()
  await house.db
    .updateTable('sessions')
    .set({ rotated_at: new Date(Date.now() - 61_000) })
    .execute()
  expect([(await me(fresh)).status, (await me(cookie)).status]).toEqual([200, 401])
  // what was open goes on, and is closed with the session
  await house.ask('DELETE /api/v1/session', undefined, { as: null, headers: { cookie: fresh } })
  await person(house, 'eve')
  await endAll(house, id)
  expect(await until(() => watching.closed())).toBe(4401)
})

async function endAll(house: House, user: UserId): Promise<void> {
  const { transact } = await import('../../server/db/transact.ts')
  await transact(house.db, async (tx) => {
    await tx.db.deleteFrom('sessions').where('user_id', '=', user).execute()
    tx.emit({ kind: 'access.changed' })
  })
}

async function watch(house: House, cookie: string) {
  const socket = new WebSocket(`${house.url.replace('http', 'ws')}/live`, { headers: { cookie } })
  let code: number | null = null
  socket.on('close', (why) => (code = why))
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  return { closed: () => code, [Symbol.asyncDispose]: async () => socket.terminate() }
}
