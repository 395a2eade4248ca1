import { symbols } from 'pino'
import { sql } from 'kysely'
import { WebSocket } from 'ws'
import { expect, test, vi } from 'vitest'
import { hashSecret } from '../../server/access/derive.ts'
import { log } from '../../server/log.ts'
import { github, signed } from '../support/github.ts'
import { operations } from '../support/operations.ts'
import { bound, person } from '../support/people.ts'
import { hostedProject } from '../support/repository.ts'
import { type House, startHouse } from '../support/server.ts'
import { signedIn } from '../support/sessions.ts'
import { until } from '../support/until.ts'

const KNOWN = 'known-beforehand-to-the-test'

test('what opens a door is kept as a hash: nothing in the database opens anything', async () => {
  await using house = await startHouse({ TAKT_ADMIN_TOKEN: KNOWN })
  const me = await signedIn(house, KNOWN)
  const { url } = (await house.ask('POST /api/v1/login-links')).body
  const session = me.cookie.split('=')[1]!
  const held: unknown[] = []
  for (const table of ['tokens', 'sessions', 'login_links', 'users', 'events', 'passwords'])
    held.push((await sql`select * from ${sql.table(table)}`.execute(house.db)).rows)
  const rows = JSON.stringify(held)
  for (const secret of [KNOWN, house.token, house.runnerToken, session, url.split('#')[1]]) {
    expect(rows).not.toContain(secret)
    expect(rows).not.toContain(Buffer.from(secret).toString('hex'))
  }
  expect(rows).toContain(JSON.stringify(hashSecret(KNOWN)))
})

/** Whether a socket is let in; what it shows is in its address only. */
const letIn = (house: House, path: string) =>
  new Promise<string>((resolve) => {
    const socket = new WebSocket(house.url.replace('http', 'ws') + path)
    socket.once('open', () => resolve('let in')).once('error', (error) => resolve(error.message))
  })

test('a token in an address opens nothing, whatever it is called there', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await clone.push({ '.takt.yml': 'jobs: { test: { run: say x } }' })
  const reads = (await operations(house, { project: 'shop' })).filter((operation) =>
    operation.startsWith('GET '),
  )
  const opened: string[] = []
  for (const name of ['token', 'access_token', 'authorization', 'private_token', 'takt_session', 'api_key'])
    for (const operation of ['GET /api/v1/me', 'GET /api/v1/projects/shop', reads.at(-1)!]) {
      const { status } = await house.ask(`${operation}?${name}=${house.token}`, undefined, { as: null })
      if (status !== 401) opened.push(`${operation} ${name} ${status}`)
    }
  expect(opened).toEqual([])
  for (const path of ['/live', '/runner', '/terminal'])
    for (const token of [house.token, house.runnerToken])
      expect(await letIn(house, `${path}?token=${token}&authorization=Bearer%20${token}`)).toMatch(/40[0134]/)
  const { url, token } = await until(async () => {
    const { body } = await house.ask('GET /api/v1/projects/shop/pipelines/main/resources/src/hook')
    return body.token !== undefined && body
  })
  const hook = `POST ${new URL(url).pathname}`
  expect((await house.ask(`${hook}?token=${token}`, {}, { as: null })).status).toBe(401)
  expect((await house.ask(hook, {}, { as: null, headers: { 'x-takt-token': token } })).status).toBe(202)
})

test('a token may be bound to a role and a project, and ends when it is said to', async () => {
  await using house = await startHouse()
  await using _shop = await hostedProject(house, 'shop')
  await using _other = await hostedProject(house, 'other')
  const { token: as } = await person(house, 'ann', { role: 'admin' })
  await bound(house, as, { role: 'viewer', project: 'shop' })
  expect((await house.ask('GET /api/v1/projects/shop', undefined, { as })).status).toBe(200)
  expect((await house.ask('GET /api/v1/projects/other', undefined, { as })).status).toBe(404)
  expect((await house.ask('GET /api/v1/projects/shop/secrets', undefined, { as })).status).toBe(403)
  await house.db
    .updateTable('tokens')
    .set({ expires_at: new Date(0) })
    .where('hash', '=', hashSecret(as))
    .execute()
  expect((await house.ask('GET /api/v1/projects/shop', undefined, { as })).status).toBe(401)
})

test('a token that ends opens nothing that outlives it, and a program’s token lets nobody in', async () => {
  await using house = await startHouse()
  const expires_at = new Date(Date.now() + 3_600_000).toISOString()
  const { secret: as } = (await house.ask('POST /api/v1/tokens', { name: 'short', expires_at })).body
  const accounts = '/api/v1/organizations/default/service-accounts'
  await house.ask(`POST ${accounts}`, { name: 'bot', role: 'admin' })
  const { secret: bot } = (await house.ask(`POST ${accounts}/bot/tokens`, { name: 'ci' })).body
  for (const request of [
    'POST /api/v1/session',
    'POST /api/v1/login-links',
    'POST /api/v1/organizations/default/invitations',
  ]) {
    const body = request.endsWith('invitations') ? { role: 'admin' } : {}
    expect(await house.ask(request, body, { as })).toMatchObject({
      status: 403,
      body: { code: 'session-needed' },
    })
    expect(await house.ask(request, body, { as: bot })).toMatchObject({ body: { code: 'not-for-services' } })
  }
  expect((await house.ask('POST /api/v1/users/admin/login-links', {}, { as })).body.code).toBe(
    'session-needed',
  )
  for (const table of ['sessions', 'login_links', 'invitations'] as const)
    expect(await house.db.selectFrom(table).select('hash').execute()).toEqual([])
})

test('a token with bounds ends no session of whoever it belongs to', async () => {
  await using house = await startHouse()
  const { token } = await person(house, 'ann', { role: 'admin' })
  const session = await signedIn(house, token)
  const [{ id }] = (await session.ask('GET /api/v1/sessions')).body.items
  await bound(house, token, { role: 'viewer' })
  for (const request of [`DELETE /api/v1/sessions/${id}`, 'DELETE /api/v1/sessions'])
    expect((await house.ask(request, undefined, { as: token })).body.code).toBe('session-needed')
  expect((await session.ask('GET /api/v1/me')).status).toBe(200)
})

/** What the server writes into its log from here on. */
function logged() {
  log.level = 'trace'
  const stream = Reflect.get(log, symbols.streamSym) as { write(line: string): void }
  const lines: string[] = []
  const spy = vi.spyOn(stream, 'write').mockImplementation((line) => void lines.push(line))
  return {
    lines,
    [Symbol.dispose]() {
      log.level = 'silent'
      spy.mockRestore()
    },
  }
}

test('the log holds no token, no signature, no cookie and no password, also of what failed', async () => {
  await using house = await startHouse()
  const me = await signedIn(house, house.token)
  using heard = logged()
  const body = '{"zen":"x"}'
  await github(house, body, { event: 'ping' })
  await github(house, body, { signature: signed(body, 'another secret, quite another') })
  const login = { name: 'admin', password: 'a password nobody has' }
  await house.ask('POST /api/v1/session', login, { as: null })
  await sql`alter table deliveries rename to gone`.execute(house.db)
  expect((await house.ask(`GET /api/v1/deliveries?token=${house.token}`)).status).toBe(500)
  expect((await me.ask('GET /api/v1/deliveries')).status).toBe(500)
  expect((await github(house, body, { event: 'ping' })).status).toBe(500)
  const text = heard.lines.join('')
  expect(text).toContain('request.failed')
  for (const secret of [
    house.token,
    me.cookie.split('=')[1]!,
    login.password,
    signed(body).slice(7),
    house.runnerToken,
  ])
    expect(text).not.toContain(secret)
  expect(text.toLowerCase()).not.toMatch(/authorization|set-cookie|x-hub-signature/)
})
