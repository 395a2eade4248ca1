import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { until } from './until.ts'

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}

/** A server as a process of its own, which comes back on the same port after it was killed. */
export async function serverProcess(settings: Record<string, string>) {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const start = () =>
    spawn(process.execPath, ['server/command/takt.ts', 'server'], {
      env: { PATH: process.env['PATH'], TAKT_DEMO: 'off', TAKT_PORT: String(port), ...settings },
      stdio: 'ignore',
    })
  const ready = () => until(async () => (await fetch(`${url}/readyz`)).ok, { withinMs: 60_000 })
  let child: ChildProcess = start()
  await ready()
  const kill = async () => {
    if (child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  return {
    url,
    kill,
    async restart() {
      await kill()
      child = start()
      await ready()
    },
    [Symbol.asyncDispose]: kill,
  }
}
