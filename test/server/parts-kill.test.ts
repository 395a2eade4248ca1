import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { freshDatabase } from '../support/database.ts'
import { cloneOf } from '../support/repository.ts'
import { startRunner } from '../support/runner.ts'
import { serverProcess } from '../support/server-process.ts'
import { until } from '../support/until.ts'

const SLOW = { withinMs: 90_000, everyMs: 50 }
const LINE = `jobs:
  ship:
    steps: [{ run: [say first, put a=1] }, { approve: { form: { to: text } } }, { run: [say second, env INPUT_TO] }]
    outputs: [a]
`

/** The way to a server, on which the handing over of workspaces gets stuck: before it arrives there, or with the answer. */
async function stuckWay(url: string, where: 'before' | 'behind') {
  const server = createServer()
  const stuck = Promise.withResolvers<void>()
  const sockets: Socket[] = []
  server.on('connection', (from: Socket) => {
    const to = connect(Number(new URL(url).port), '127.0.0.1')
    sockets.push(from, to)
    let handsOver = false
    from.on('data', (bytes) => {
      handsOver ||= bytes.toString('latin1').includes('/handovers/')
      if (!handsOver || where === 'behind') to.write(bytes)
      else stuck.resolve()
    })
    to.on('data', (bytes) => (handsOver ? stuck.resolve() : from.write(bytes)))
    for (const socket of [from, to])
      socket.on('error', () => {}).on('close', () => [from, to].map((s) => s.destroy()))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stuck: stuck.promise,
    async [Symbol.asyncDispose]() {
      sockets.forEach((socket) => socket.destroy())
      server.close()
      await once(server, 'close')
    },
  }
}

test('a part is done once, whoever is killed while it is handed over, and around the decision behind it', async () => {
  await using stack = new AsyncDisposableStack()
  const { db, url } = stack.use(await freshDatabase())
  const dataDir = await mkdtemp(join(tmpdir(), 'takt-parts-'))
  await chmod(dataDir, 0o755)
  stack.defer(() => rm(dataDir, { recursive: true, force: true, maxRetries: 5 }))
  const settings = { DATABASE_URL: url, TAKT_DATA: dataDir, HOME: dataDir, TAKT_LEASE_MS: '2000' }
  const server = stack.use(await serverProcess(settings))
  const token = (await readFile(join(dataDir, 'token'), 'utf8')).trim()
  const runnerToken = (await readFile(join(dataDir, 'runner-token'), 'utf8')).trim()
  const ask = async (method: string, path: string, body?: object) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const said = body ? { body: JSON.stringify(body) } : {}
    const answer = await fetch(`${server.url}/api/v1/${path}`, { method, headers, ...said })
    return answer.json() as ReturnType<typeof JSON.parse>
  }
  const handed = () =>
    db.selectFrom('handovers').select(['attempt', 'carried', 'archive_id']).orderBy('id').execute()
  const run = () => ask('GET', 'runs/1')
  await ask('POST', 'projects', { name: 'shop' })
  const clone = stack.use(await cloneOf(`${server.url.replace('://', `://ann:${token}@`)}/git/shop.git`))
  await clone.push({ '.takt.yml': LINE })

  for (const [index, where] of (['before', 'behind'] as const).entries()) {
    await using way = await stuckWay(server.url, where)
    await using runner = await startRunner({ url: way.url, runnerToken }, { name: where })
    await way.stuck
    await runner.kill('SIGKILL')
    await until(async () => {
      await sql`update runs set not_before = now() where not_before is not null`.execute(db) // nobody waits for the pause
      return (await run()).attempt === index + 2
    }, SLOW)
  }
  expect(await handed()).toMatchObject([{ attempt: 2, carried: null }])

  await using _ = await startRunner({ url: server.url, runnerToken }, { name: 'third' })
  await until(async () => (await run()).state === 'waiting', SLOW)
  expect(await run()).toMatchObject({ attempt: 3, values: { a: '1' } })
  await server.restart()
  expect((await ask('GET', 'gates')).items).toMatchObject([{ id: 1, state: 'waiting' }])
  expect((await ask('POST', 'gates/1/approve', { values: { to: 'eu' } })).state).toBe('approved')
  await server.restart()
  await until(async () => (await run()).state === 'succeeded', SLOW)
  const { lines } = await ask('GET', 'runs/1/log?from=0&limit=200&as=json')
  const said = lines
    .map(({ text }: { text: string }) => text)
    .filter((text: string) => /^(first|second|eu)$/.test(text))
  expect(said).toEqual(['first', 'second', 'eu'])
  expect(await run()).toMatchObject({ attempt: 3, values: { a: '1' } })
  expect((await ask('GET', 'gates')).items).toMatchObject([{ state: 'approved', values: { to: 'eu' } }])
  expect((await handed()).map(({ archive_id }) => archive_id)).toEqual([null, null])
}, 300_000)
