import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { cutTheSilent } from '../../server/http/silence.ts'
import { errorFields } from '../../server/log.ts'
import { type House, startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

/** What comes back for exactly these bytes: no client tidies them up. */
async function raw(house: House, words: string): Promise<string> {
  const { hostname, port } = new URL(house.url)
  const socket = connect(Number(port), hostname)
  socket.write(words)
  return text(socket)
}

const upgrade = (path: string) =>
  `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n` +
  'sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'

test.each(['//', '//:x', '///live', '/%', '/live//', '*', 'x:y', 'http://', '/constructor', '/__proto__'])(
  'a stranger who wants a WebSocket at %s is refused, and the server lives on',
  async (path) => {
    await using house = await startHouse()
    expect(await raw(house, upgrade(path))).toMatch(/^HTTP\/1\.1 40[04] /)
    expect((await house.ask('GET /healthz')).status).toBe(200)
  },
)

test.each([
  ['a method that is none of a handshake', 'POST /live', {}, 401],
  ['no key', 'GET /runner', { 'sec-websocket-key': 'x' }, 401],
  ['a host that is none', 'GET /live', { host: '[', origin: 'http://[' }, 403],
  ['a cookie that is none', 'GET /live', { cookie: ';;=;takt_session' }, 401],
])('a handshake with %s is refused, and the server lives on', async (_, line, headers, status) => {
  await using house = await startHouse()
  const all = { host: 'x', connection: 'upgrade', upgrade: 'websocket', ...headers }
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  expect(await raw(house, `${line} HTTP/1.1\r\n${head.join('')}\r\n`)).toMatch(`HTTP/1.1 ${status} `)
  expect((await house.ask('GET /healthz')).status).toBe(200)
})

test('who was refused an upgrade and does not hang up is hung up on', async () => {
  await using house = await startHouse()
  const { hostname, port } = new URL(house.url)
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
  let closed = false
  socket.on('error', () => {}).on('close', () => (closed = true))
  socket.write(upgrade('/nowhere'))
  await text(socket)
  await until(() => {
    if (!closed) socket.write('still here\n')
    return closed
  })
})

test.each([
  ['GET /%E0%A4%A', 404, 'not-found'],
  ['GET /%00.js', 404, 'not-found'],
  ['GET /%ff', 404, 'not-found'],
  ['GET /api/v1/projects/%00', 404, 'not-found'],
  ['GET /api/v1/projects/%', 404, 'not-found'],
  ['POST /api/v1/projects/x%00/pipelines/main/jobs/test/runs', 404, 'not-found'],
  ['GET /git/%00.git/info/refs', 404, 'not-found'],
  ['POST /hooks/git?project=%00', 422, 'invalid-request'],
  ['GET /api/v1/runs?lane=%00', 422, 'invalid-request'],
  ['GET /api/v1/runs?lane=a&lane=%00', 422, 'invalid-request'],
  ['GET /api/v1/runs?version=%E0%A4%A', 422, 'invalid-request'],
])('%s is an address that cannot be read: %i', async (operation, status, code) => {
  await using house = await startHouse()
  expect(await house.ask(operation)).toMatchObject({
    status,
    body: { status, code, detail: expect.stringMatching(/\S/) },
  })
})

test('a file name longer than any file can have is not found', async () => {
  await using house = await startHouse()
  expect((await house.ask(`GET /${'x'.repeat(300)}.js`)).status).toBe(404)
})

test.each([
  ['GET /api/v1/runs?lane=100%25', 200],
  ['GET /api/v1/runs?lane=f%C3%BCx%28ui%29+%26', 200],
  ['GET /f%C3%BCx.js', 404],
])('%s is an address like any other', async (operation, status) => {
  await using house = await startHouse()
  expect((await house.ask(operation)).status).toBe(status)
})

test('a NUL in a JSON text is refused in words, a backslash before u0000 is not', async () => {
  await using house = await startHouse()
  const add = (url: string) => house.ask('POST /api/v1/projects', { name: 'x', repository: { url } })
  expect(await add('https://example.org/\0')).toMatchObject({
    status: 422,
    body: { code: 'invalid-request', detail: expect.stringContaining('\\u0000') },
  })
  const check = await house.ask('POST /api/v1/check', { text: "jobs: { a: { run: 'printf \\u0000' } }" })
  expect(check).toMatchObject({ status: 200, body: { diagnostics: [] } })
})

test('a request may take its time, but a connection on which nothing moves is cut', async () => {
  let heard = 0
  const http = createServer((request) => request.on('data', () => heard++).on('error', () => {}))
  expect(http.requestTimeout).toBe(300_000)
  cutTheSilent(http, 200)
  expect(http).toMatchObject({ requestTimeout: 0, headersTimeout: 60_000, timeout: 200 })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const socket = connect((http.address() as AddressInfo).port, '127.0.0.1')
  const closed = once(socket, 'close')
  socket.on('error', () => {}).write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n')
  const since = performance.now()
  await until(
    () => {
      socket.write('x')
      return performance.now() - since > 600
    },
    { everyMs: 50 },
  )
  expect(socket.closed).toBe(false)
  await closed
  expect(heard).toBeGreaterThan(5)
  http.close()
})

test('what PostgreSQL quotes of a row never reaches the log', async () => {
  await using house = await startHouse()
  const secret = 'the-lease-of-run-7'
  const failed = await sql`insert into tokens (user_id, name, hash) values (1, null, ${Buffer.from(secret)})`
    .execute(house.db)
    .catch((error: unknown) => error)
  const shown = Buffer.from(secret).toString('hex')
  expect((failed as { detail: string }).detail).toContain(shown)
  const wrapped = new AggregateError([failed], 'several', { cause: failed })
  for (const error of [failed, wrapped, new Error('around it', { cause: failed })])
    expect(JSON.stringify(errorFields(error))).not.toContain(shown)
  expect(errorFields(failed)).toMatchObject({
    type: 'DatabaseError',
    message: expect.stringContaining('violates not-null constraint'),
    stack: expect.stringContaining('edges.test.ts'),
    code: '23502',
    table: 'tokens',
    column: 'name',
  })
  expect(JSON.stringify(errorFields(wrapped))).toContain('23502')
})

test('a lane is found by its name, however many there are; those still open are listed first', async () => {
  await using house = await startHouse()
  await house.ask('POST /api/v1/projects', { name: 'shop' })
  const { id } = await house.db
    .insertInto('pipelines')
    .values({ project_id: 1 as never, name: 'main', path: '.takt.yml' })
    .returning('id')
    .executeTakeFirstOrThrow()
  const lane = (name: string, touched: number, closed: boolean) => ({
    ...{ pipeline_id: id, name, revision_id: null, newest_revision_id: null },
    ...{ touched_at: new Date(touched), closed_at: closed ? new Date(touched) : null },
  })
  const closed = Array.from({ length: 150 }, (_, index) => lane(`pr/${index}`, 9_000 + index, true))
  await house.db
    .insertInto('lanes')
    .values([lane('main', 1, false), lane('old', 2, false), ...closed])
    .execute()
  const view = async (query: string) =>
    (await house.ask(`GET /api/v1/projects/shop/pipelines/main${query}`)).body
  const byDefault = await view('')
  expect(byDefault.lane).toBe('main')
  expect(byDefault.lanes.map((each: { name: string }) => each.name).slice(0, 3)).toEqual([
    'old',
    'main',
    'pr/149',
  ])
  expect(byDefault.lanes).toHaveLength(100)
  const least = await view('?lane=pr/0')
  expect(least.lane).toBe('pr/0')
  expect(least.lanes.map((each: { name: string }) => each.name)).toContain('pr/0')
  expect((await view('?lane=none')).code).toBe('lane-not-found')
  const start = await house.ask('POST /api/v1/projects/shop/pipelines/main/jobs/x/runs', { lane: 'pr/0' })
  expect(start.body.code).toBe('job-not-found')
})
