import { expect, test } from 'vitest'
import type { OrganizationId } from '#pipelines/ids.ts'
import { person } from '../support/people.ts'
import { type House, startHouse } from '../support/server.ts'
import { cookieOf, signedIn } from '../support/sessions.ts'
import { until } from '../support/until.ts'
import { WebSocket } from 'ws'

const inDays = (count: number) => new Date(Date.now() + count * 86_400_000).toISOString()

test('a token is made with bounds, shown once, listed with its first letters and last use, and ended', async () => {
  await using house = await startHouse()
  await house.ask('POST /api/v1/projects', { name: 'shop' })
  const { token: as } = await person(house, 'ada', { role: 'maintainer' })
  const ask = (request: string, body?: object) => house.ask(request, body, { as })
  const wish = { name: 'ci', role: 'viewer', project: 'shop', expires_at: inDays(30) }
  const made = await ask('POST /api/v1/tokens', wish)
  expect(made).toMatchObject({
    status: 201,
    body: { ...wish, secret: expect.stringMatching(/^takt_[\w-]{43}$/) },
  })
  const { id, secret, prefix } = made.body
  expect(secret.startsWith(prefix)).toBe(true)

  const use = (request: string, body?: object) => house.ask(request, body, { as: secret })
  expect((await use('GET /api/v1/projects/shop')).status).toBe(200)
  expect((await use('PUT /api/v1/projects/shop/secrets/X', { value: 'x' })).status).toBe(403)
  const { text, body } = await ask('GET /api/v1/tokens')
  expect(body.items).toMatchObject([{ id, prefix, last_used_at: expect.any(String) }, { name: 'test' }])
  expect(text).not.toContain(secret)
  const rows = JSON.stringify(await house.db.selectFrom('tokens').selectAll().execute())
  expect(rows).not.toContain(secret)

  expect((await ask('POST /api/v1/tokens', wish)).body.code).toBe('token-exists')
  const { token: eve } = await person(house, 'eve')
  expect((await house.ask(`DELETE /api/v1/tokens/${id}`, undefined, { as: eve })).body.code).toBe(
    'token-not-found',
  )
  expect((await ask(`DELETE /api/v1/tokens/${id}`)).status).toBe(204)
  expect((await use('GET /api/v1/me')).body.code).toBe('bad-token')
})

test('no token makes more of itself: neither one with bounds, nor one with an end', async () => {
  await using house = await startHouse()
  await house.ask('POST /api/v1/projects', { name: 'shop' })
  const { token } = await person(house, 'ada', { role: 'admin' })
  const make = (as: string, wish: object) => house.ask('POST /api/v1/tokens', wish, { as })
  for (const bounds of [{ role: 'viewer' }, { project: 'shop' }]) {
    const { body } = await make(token, { name: JSON.stringify(bounds), ...bounds })
    expect((await make(body.secret, { name: 'more' })).body.code).toBe('session-needed')
    const remove = await house.ask(`DELETE /api/v1/tokens/${body.id}`, undefined, { as: body.secret })
    expect(remove.body.code).toBe('session-needed')
  }
  const short = await make(token, { name: 'short', expires_at: inDays(1) })
  const child = await make(short.body.secret, { name: 'child', expires_at: inDays(300) })
  expect(child.body.expires_at).toBe(short.body.expires_at)
  expect((await make(short.body.secret, { name: 'endless' })).body.expires_at).toBe(short.body.expires_at)
})

test.each([
  [{ name: 'x', expires_at: '2001-01-01T00:00:00Z' }, 422, 'bad-expiry'],
  [{ name: 'x', expires_at: 'soon' }, 422, 'invalid-request'],
  [{ name: 'x', role: 'king' }, 422, 'invalid-request'],
  [{ name: '   ' }, 422, 'invalid-request'],
  [{ name: 'x', project: 'hidden' }, 404, 'project-not-found'],
])('the token %j is refused', async (wish, status, code) => {
  await using house = await startHouse()
  await house.ask('POST /api/v1/projects', { name: 'hidden' })
  const { token: as } = await person(house, 'ada')
  expect(await house.ask('POST /api/v1/tokens', wish, { as })).toMatchObject({ status, body: { code } })
})

const services = (organization = 'default') => `/api/v1/organizations/${organization}/service-accounts`

test('a service account of an organization is let in by its tokens alone, until it is retired', async () => {
  await using house = await startHouse()
  await house.ask('POST /api/v1/projects', { name: 'shop' })
  const { token: as } = await person(house, 'ada', { role: 'admin' })
  const ask = (request: string, body?: object) => house.ask(request, body, { as })
  expect(await ask(`POST ${services()}`, { name: 'deploy-bot', role: 'operator' })).toMatchObject({
    status: 201,
    body: { name: 'deploy-bot', role: 'operator', tokens: 0 },
  })
  expect((await ask(`POST ${services()}`, { name: 'deploy-bot' })).body.code).toBe('name-taken')
  expect((await ask(`POST ${services()}`, { name: '../x' })).status).toBe(422)
  const made = await ask(`POST ${services()}/deploy-bot/tokens`, { name: 'ci' })
  const { secret } = made.body
  const bot = (request: string, body?: object) => house.ask(request, body, { as: secret })
  expect((await bot('GET /api/v1/me')).body).toMatchObject({
    name: 'deploy-bot',
    kind: 'service',
    role: 'member',
  })
  expect((await bot('GET /api/v1/projects/shop')).status).toBe(200)
  expect((await bot('GET /api/v1/projects/shop/secrets')).status).toBe(403)
  expect((await ask(`GET ${services()}/deploy-bot/tokens`)).body.items).toHaveLength(1)

  // people, and accounts of other organizations, are no accounts of this one
  await house.db.insertInto('organizations').values({ name: 'other' }).execute()
  await house.ask(`POST ${services('other')}`, { name: 'other-bot' })
  for (const name of ['ada', 'other-bot', 'nobody'])
    expect((await ask(`POST ${services()}/${name}/tokens`, { name: 'x' })).body.code).toBe('user-not-found')
  expect((await ask(`GET ${services('other')}`)).body.code).toBe('organization-not-found')

  expect((await ask(`DELETE ${services()}/deploy-bot`)).status).toBe(204)
  expect((await bot('GET /api/v1/me')).body.code).toBe('bad-token')
  expect((await ask(`POST ${services()}/deploy-bot/tokens`, { name: 'again' })).body.code).toBe(
    'user-not-found',
  )
})

async function watching(house: House, as: string) {
  const socket = new WebSocket(`${house.url.replace('http', 'ws')}/live`, {
    headers: { authorization: `Bearer ${as}` },
  })
  let code: number | null = null
  socket.on('close', (why) => (code = why))
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  return { closed: () => code, [Symbol.asyncDispose]: async () => socket.terminate() }
}

test('who is disabled is out at once, with sessions, tokens, sockets, links and invitations; tokens wake up again', async () => {
  await using house = await startHouse()
  const { id, token } = await person(house, 'ada', { role: 'admin' })
  const session = await signedIn(house, token)
  const link = (await session.ask('POST /api/v1/login-links')).body.url.split('#')[1]
  await house.db
    .insertInto('invitations')
    .values({
      ...{ hash: Buffer.from('x'), organization_id: 1 as OrganizationId, role: 'viewer', team_id: null },
      ...{ email: null, invited_by: id, expires_at: new Date(inDays(1)), used_at: null, used_by: null },
    })
    .execute()
  await using socket = await watching(house, token)
  expect((await house.ask('POST /api/v1/users/ada/disable')).status).toBe(204)
  expect(await until(() => socket.closed())).toBe(4401)
  expect((await session.ask('GET /api/v1/me')).status).toBe(401)
  expect((await house.ask('GET /api/v1/me', undefined, { as: token })).status).toBe(401)
  expect((await house.ask('POST /api/v1/session', { link }, { as: null })).status).toBe(401)
  expect(await house.db.selectFrom('invitations').select('id').execute()).toEqual([])
  const { items } = (await house.ask('GET /api/v1/users')).body
  expect(
    items.map((user: { name: string; disabled_at: string | null }) => [user.name, user.disabled_at !== null]),
  ).toEqual([
    ['ada', true],
    ['admin', false],
  ])
  await house.ask('POST /api/v1/users/ada/enable')
  expect((await house.ask('GET /api/v1/me', undefined, { as: token })).status).toBe(200)
  expect((await session.ask('GET /api/v1/me')).status).toBe(401)
})

test('nobody shuts themselves out, nor the last admin; roles of the server are an admin’s to give', async () => {
  await using house = await startHouse()
  const { token: as } = await person(house, 'ada')
  const code = async (request: string, body?: object) => (await house.ask(request, body)).body?.code
  expect(await code('POST /api/v1/users/admin/disable')).toBe('not-yourself')
  expect(await code('PUT /api/v1/users/admin/role', { role: 'member' })).toBe('last-admin')
  expect(await code('POST /api/v1/users/nobody/disable')).toBe('user-not-found')
  expect((await house.ask('PUT /api/v1/users/ada/role', { role: 'admin' }, { as })).status).toBe(403)
  expect((await house.ask('PUT /api/v1/users/ada/role', { role: 'admin' })).status).toBe(204)
  // two that shut each other out at once: one of them stays
  const both = await Promise.all([
    house.ask('POST /api/v1/users/ada/disable'),
    house.ask('POST /api/v1/users/admin/disable', undefined, { as }),
  ])
  const left = await house.db.selectFrom('users').select('id').where('disabled_at', 'is', null).execute()
  expect(left).toHaveLength(1)
  expect(both.filter(({ status }) => status === 204)).toHaveLength(1)
})

test('an admin makes a link for who forgot their password; a program gets none', async () => {
  await using house = await startHouse()
  await person(house, 'ada')
  await house.ask(`POST ${services()}`, { name: 'bot' })
  const { body } = await house.ask('POST /api/v1/users/ada/login-links')
  const opened = await house.ask('POST /api/v1/session', { link: body.url.split('#')[1] }, { as: null })
  expect(opened.body.name).toBe('ada')
  expect(cookieOf(opened)).toMatch(/^takt_session=/)
  expect((await house.ask('POST /api/v1/users/bot/login-links')).body.code).toBe('not-for-services')
})
