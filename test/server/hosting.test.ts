import { once } from 'node:events'
import { type IncomingMessage, request, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { git } from '../../server/forges/git.ts'
import { httpBackend } from '../../server/hosting/http-backend.ts'
import { openBook } from '../../server/audit/book.ts'
import { hostingRoutes } from '../../server/hosting/routes.ts'
import { cutTheSilent } from '../../server/http/silence.ts'
import { Problem } from '../../server/problem.ts'
import { type House, startHouse } from '../support/server.ts'
import { cloneOf, hostedProject } from '../support/repository.ts'
import { until } from '../support/until.ts'

const FILE = { '.takt.yml': 'jobs: { test: { run: say x } }' }

test('what is pushed can be cloned again, and is on record when git says so', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  const sha = await clone.push(FILE)
  const stored = await house.db.selectFrom('deliveries').selectAll().execute()
  expect(stored).toMatchObject([{ source: 'hosted', event: 'push' }])
  await using other = await cloneOf(await clone.git('remote', 'get-url', 'origin'))
  await other.git('fetch', '-q', 'origin', 'main')
  expect(await other.git('rev-parse', 'FETCH_HEAD')).toBe(sha)
})

test('many pushes in a row are as many deliveries, in order', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  const shas: string[] = []
  for (let count = 0; count < 5; count++) shas.push(await clone.push({ ...FILE, count: String(count) }))
  const bodies = await house.db.selectFrom('deliveries').select('body').orderBy('id').execute()
  expect(bodies.map((row) => JSON.parse(row.body!.toString()).after)).toEqual(shas)
})

test('pushes at the same moment are as many deliveries', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await clone.push(FILE)
  const shas = [
    await clone.commit({ a: '1' }),
    await clone.commit({ a: '2' }),
    await clone.commit({ a: '3' }),
  ]
  await Promise.all(
    shas.map((sha, index) => clone.git('push', '-q', 'origin', `${sha}:refs/heads/b${index}`)),
  )
  const bodies = await house.db.selectFrom('deliveries').select('body').execute()
  expect(
    bodies
      .map((row) => JSON.parse(row.body!.toString()).after)
      .slice(1)
      .toSorted(),
  ).toEqual(shas.toSorted())
})

test('a push that a server did not live to note is noted when the next one starts', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  const sha = await clone.push(FILE)
  const dir = join(house.dataDir, 'git', 'shop.git')
  await git(['update-ref', 'refs/heads/rescued', sha], { dir })
  await house.restart()
  const lanes = await until(async () => {
    const { body } = await house.ask('GET /api/v1/projects/shop/pipelines/main')
    return body.lanes?.length === 2 && body.lanes
  })
  expect(lanes.map((lane: { name: string }) => lane.name).toSorted()).toEqual(['main', 'rescued'])
})

test.each([
  ['nothing', '', 'Authentication failed|could not read Username'],
  ['a wrong token', 'ann:wrong@', 'Authentication failed'],
  ['a lease that is nobody’s', `run-1:${'x'.repeat(43)}@`, 'Authentication failed'],
])('who shows %s reads nothing', async (_, credentials, says) => {
  await using house = await startHouse()
  await using _clone = await hostedProject(house, 'shop')
  await using stranger = await cloneOf(`${house.url.replace('://', `://${credentials}`)}/git/shop.git`)
  await expect(stranger.git('fetch', 'origin')).rejects.toThrow(new RegExp(says))
})

test('a repository that is not there is not told from one that is, to strangers', async () => {
  await using house = await startHouse()
  await using _clone = await hostedProject(house, 'shop')
  const look = (name: string) =>
    house.ask(`GET /git/${name}.git/info/refs?service=git-upload-pack`, undefined, { as: null })
  expect((await look('shop')).status).toBe(401)
  expect((await look('none')).status).toBe(401)
})

test.each([
  '/git/shop.git/config',
  '/git/shop.git/HEAD',
  '/git/shop.git/objects/info/packs',
  '/git/shop/info/refs',
])('%s is not served', async (path) => {
  await using house = await startHouse()
  await using _clone = await hostedProject(house, 'shop')
  expect(await askRaw(house, path)).toMatchObject({ status: 404 })
})

test.each([
  '/git/../token',
  '/git/shop.git/../../token',
  '/git/%2e%2e/token',
  '/git/..%2ftoken',
  '/%2e%2e/%2e%2e/data/token',
  '/assets/..%2f..%2f..%2fpackage.json',
])('%s does not climb out', async (path) => {
  await using house = await startHouse()
  const { text } = await askRaw(house, path)
  expect(text).not.toContain(house.token)
  expect(text).not.toContain('"dependencies"')
})

/** With the path as it is written: fetch would tidy it up first. */
async function askRaw(house: House, path: string): Promise<{ status: number | undefined; text: string }> {
  const { hostname, port } = new URL(house.url)
  const asked = request({ hostname, port, path, auth: `x:${house.token}` }).end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  let text = ''
  for await (const piece of answer) text += String(piece)
  return { status: answer.statusCode, text }
}

test('a repository’s own hooks are not run', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await clone.push(FILE)
  const hooks = await readdir(join(house.dataDir, 'git', 'shop.git', 'hooks')).catch(() => [])
  expect(hooks.every((hook) => hook.endsWith('.sample'))).toBe(true)
})

test('without git on the machine the answer is 503 in words, and the server lives on', async () => {
  const asked = httpBackend(
    '/nowhere',
    {
      method: 'GET',
      path: '/shop.git/info/refs',
      query: 'service=git-upload-pack',
      headers: new Headers(),
      body: null,
      writer: null,
    },
    { searchPath: '/nowhere' },
  )
  const refusal = (await asked.catch((error: unknown) => error)) as Problem
  expect(refusal).toBeInstanceOf(Problem)
  expect(refusal.detail).toMatch(/git could not be started: .*ENOENT/)
  expect(refusal.toResponse().status).toBe(503)
})

/** The house's repositories through a door of their own, where nobody may be silent for long. */
async function impatientDoor(house: House, silentMs: number) {
  const book = openBook(house.db)
  const app = new Hono().route('/git', hostingRoutes({ ...house, book }))
  const http = createAdaptorServer({ fetch: app.fetch }) as Server
  cutTheSilent(http, silentMs)
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const { port } = http.address() as AddressInfo
  return {
    port,
    url: `http://ann:${house.token}@127.0.0.1:${port}/git/shop.git`,
    async [Symbol.asyncDispose]() {
      http.closeAllConnections()
      http.close()
      await book[Symbol.asyncDispose]()
    },
  }
}

test('a push that stalls is cut, and those that waited behind it, however long, are not', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await using door = await impatientDoor(house, 1_000)
  const first = connect(door.port, '127.0.0.1')
    .on('error', () => {})
    .resume()
  const basic = Buffer.from(`x:${house.token}`).toString('base64')
  // A packet of 65520 bytes, of which one comes every tenth of a second.
  first.write(
    'POST /git/shop.git/git-receive-pack HTTP/1.1\r\nhost: x\r\ncontent-length: 65524\r\n' +
      `content-type: application/x-git-receive-pack-request\r\nauthorization: Basic ${basic}\r\n\r\nfff0`,
  )
  const busy = setInterval(() => first.write('0'), 100)
  await clone.commit(FILE)
  const pushed = clone.git('push', '-q', door.url, 'HEAD:refs/heads/main')
  const since = performance.now()
  await until(() => performance.now() - since > 2_500) // longer than anybody may be silent
  clearInterval(busy)
  expect(await house.db.selectFrom('deliveries').select('id').execute()).toEqual([])
  await once(first, 'close')
  await pushed
  expect(await clone.git('ls-remote', door.url, 'refs/heads/main')).toContain('refs/heads/main')
})
