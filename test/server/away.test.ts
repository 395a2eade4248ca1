import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { freshDatabase } from '../support/database.ts'
import { startHouse } from '../support/server.ts'
import { hostedProject } from '../support/repository.ts'
import { startRunner } from '../support/runner.ts'
import { until } from '../support/until.ts'

/** The database behind a wire that can be cut and mended. */
async function wire(databaseUrl: string) {
  const target = new URL(databaseUrl.replace(/^postgres:\/\/[^@]*@\//, 'postgres://x/'))
  const socketDir = target.searchParams.get('host') ?? ''
  const open = new Set<Socket>()
  let cut = false
  const server = createServer((socket) => {
    if (cut) return socket.destroy()
    const other = connect(`${socketDir}/.s.PGSQL.5432`)
    for (const [from, to] of [
      [socket, other],
      [other, socket],
    ] as const) {
      open.add(from)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        open.delete(from)
        to.destroy()
      })
      from.pipe(to)
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const user = /^postgres:\/\/([^@]*)@/.exec(databaseUrl)?.[1] ?? ''
  return {
    url: `postgres://${user}@127.0.0.1:${(server.address() as AddressInfo).port}${target.pathname}`,
    cut() {
      cut = true
      for (const socket of open) socket.destroy()
    },
    mend: () => void (cut = false),
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      server.close()
    },
  }
}

test('a database that is away for longer than a lease costs no run', { timeout: 90_000 }, async () => {
  await using database = await freshDatabase()
  await using line = await wire(database.url)
  await using house = await startHouse({ DATABASE_URL: line.url, TAKT_LEASE_MS: '6000' })
  await using clone = await hostedProject(house, 'shop')
  await using _runner = await startRunner(house)
  await clone.push({ '.takt.yml': 'jobs: { test: { run: [say begun, sleep 9000, say ended] } }' })
  await until(async () => (await house.ask('GET /api/v1/runs/1')).body?.state === 'running')
  line.cut()
  const since = Date.now()
  await until(() => Date.now() - since > 7_500, { everyMs: 100, withinMs: 15_000 })
  expect((await house.ask('GET /readyz', undefined, { as: null })).status).toBe(503)
  line.mend()
  const run = await until(
    async () => {
      const { body } = await house.ask('GET /api/v1/runs/1')
      return body?.ended_at && body
    },
    { withinMs: 30_000 },
  )
  expect(run).toMatchObject({ state: 'succeeded', attempt: 1 })
  expect((await house.ask('GET /api/v1/runs/1/log')).text).toMatch(/begun\nended\n$/)
})
