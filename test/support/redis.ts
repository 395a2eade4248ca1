import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '@redis/client'
import { until } from './until.ts'

const WITHOUT = 'no redis-server on this machine (Debian: apt-get install redis-server)'
/** Why tests with a real Redis cannot run here; null where they can. */
export const lacksRedis = (): string | null =>
  spawnSync('redis-server', ['--version']).status === 0 ? null : WITHOUT

/** A real Redis server with a password, on a port of its own. */
export async function redisServer(password: string) {
  const dir = await mkdtemp(join(tmpdir(), 'takt-redis-'))
  const port = await freePort()
  const options = ['--port', String(port), '--dir', dir, '--save', '', '--requirepass', password]
  const server: ChildProcess = spawn('redis-server', options, { stdio: 'ignore' })
  const client = createClient({
    ...{ password, socket: { host: '127.0.0.1', port, reconnectStrategy: () => 50 } },
  })
  client.on('error', () => {}) // it is not up yet
  await client.connect()
  await until(async () => (await client.ping()) === 'PONG')
  return {
    address: `127.0.0.1:${port}`,
    client,
    async [Symbol.asyncDispose]() {
      client.destroy()
      server.kill('SIGKILL')
      await once(server, 'exit')
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}
