import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { killableShop } from '../support/killable.ts'
import { startRunner } from '../support/runner.ts'
import { until } from '../support/until.ts'

const SLOW = { withinMs: 60_000, everyMs: 50 }
const LINE = 'jobs:\n  ship: { approve: { form: { to: text } }, run: [say first, hang] }\n'

test('a gate outlives servers that are killed before and behind it, and a runner that is killed with its run', async () => {
  await using it = await killableShop({ TAKT_LEASE_MS: '2000' })
  const { db, server, runnerToken, ask, clone } = it
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
