import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startRunner } from '../support/runner.ts'
import { startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

const ENGINE = '/var/run/docker.sock'
const skipped = process.env['TAKT_TEST_DOCKER'] !== '1'

/** A door to the engine that can be shut. */
async function doorTo(path: string, at: string) {
  const open = new Set<Socket>()
  let server: Server | null = null
  const lift = async () => {
    server = createServer((near) => {
      const far = connect(path)
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        open.add(from)
        from.on('error', () => to.destroy()).on('close', () => (open.delete(from), to.destroy()))
        from.pipe(to)
      }
    }).listen(at)
    await once(server, 'listening')
  }
  const shut = () => {
    server?.close()
    open.forEach((socket) => socket.destroy())
    server = null
  }
  await lift()
  return { lift, shut, [Symbol.asyncDispose]: async () => shut() }
}

test.skipIf(skipped)(
  'a runner whose engine goes away takes no work and says why, and is well when the engine is back',
  { timeout: 90_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'takt-door-'))
    const at = join(folder, 'docker.sock')
    await using door = await doorTo(ENGINE, at)
    await using house = await startHouse()
    await using _runner = await startRunner(house, {
      engine: 'docker',
      name: 'ill',
      env: { DOCKER_HOST: `unix://${at}`, TAKT_WARM: '0' },
    })
    const now = async () => (await house.ask('GET /api/v1/runners')).body.items[0]
    const slow = { withinMs: 40_000, everyMs: 100 }
    await until(async () => (await now())?.state === 'idle', slow)
    door.shut()
    await until(async () => (await now()).state === 'degraded', slow)
    expect((await now()).trouble).toMatch(/Docker does not answer/)
    await door.lift()
    await house.ask('POST /api/v1/runners/ill/reset')
    await until(async () => (await now()).state === 'idle', slow)
    const { items } = (await house.ask('GET /api/v1/runners/ill/events')).body
    const kinds = items.map((event: { kind: string }) => event.kind)
    expect(kinds[0]).toBe('recovered')
    expect(kinds).toEqual(expect.arrayContaining(['arrived', 'degraded', 'reset']))
    await rm(folder, { recursive: true, force: true })
  },
)
