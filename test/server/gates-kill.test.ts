import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { freshDatabase } from '../support/database.ts'
import { cloneOf } from '../support/repository.ts'
import { startRunner } from '../support/runner.ts'
import { serverProcess } from '../support/server-process.ts'
import { until } from '../support/until.ts'

const SLOW = { withinMs: 60_000, everyMs: 50 }
const LINE = 'jobs:\n  ship: { approve: { form: { to: text } }, run: [say first, hang] }\n'

test('a gate outlives servers that are killed before and behind it, and a runner that is killed with its run', async () => {
  await using stack = new AsyncDisposableStack()
  const { db, url } = stack.use(await freshDatabase())
  const dataDir = await mkdtemp(join(tmpdir(), 'takt-gate-'))
  await chmod(dataDir, 0o755)
  stack.defer(() => rm(dataDir, { recursive: true, force: true, maxRetries: 5 }))
  const settings = { DATABASE_URL: url, TAKT_DATA: dataDir, HOME: dataDir, TAKT_LEASE_MS: '2000' }
  const server = stack.use(await serverProcess(settings))
  const token = (await readFile(join(dataDir, 'token'), 'utf8')).trim()
  const runnerToken = (await readFile(join(dataDir, 'runner-token'), 'utf8')).trim()
  const ask = async (method: string, path: string, body?: object) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const answer = await fetch(`${server.url}/api/v1/${path}`, {
      ...{ method, headers },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    return answer.json() as ReturnType<typeof JSON.parse>
  }
  await ask('POST', 'projects', { name: 'shop' })
  const clone = stack.use(await cloneOf(`${server.url.replace('://', `://ann:${token}@`)}/git/shop.git`))
  await clone.push({ '.takt.yml': LINE })
  await until(async () => (await ask('GET', 'gates?state=waiting')).items.length === 1, SLOW)

  await server.restart()
  expect((await ask('GET', 'gates?state=waiting')).items).toMatchObject([{ id: 1, run: 1 }])
  expect((await ask('POST', 'gates/1/approve', { values: { to: 'eu' } })).state).toBe('approved')
  await server.restart()
  expect(await ask('GET', 'runs/1')).toMatchObject({ state: 'queued', attempt: 1 })

  const house = { url: server.url, runnerToken }
  {
    await using runner = await startRunner(house, { name: 'first' })
    await until(async () => (await ask('GET', 'runs/1')).state === 'running', SLOW)
    await runner.kill('SIGKILL')
  }
  await using _ = await startRunner(house, { name: 'second' })
  const again = await until(async () => {
    await sql`update runs set not_before = now() where not_before is not null`.execute(db) // nobody waits for the pause
    const run = await ask('GET', 'runs/1')
    return run.attempt === 2 && run.state === 'running' && run
  }, SLOW)
  expect(again).toMatchObject({ runner: 'second' })
  expect((await ask('GET', 'gates')).items).toMatchObject([{ state: 'approved', values: { to: 'eu' } }])
}, 120_000)
