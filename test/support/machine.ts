import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, realpath, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Clone, cloneOf } from './repository.ts'
import { until } from './until.ts'

/** A whole Takt on one machine, whose parts can be killed. */
export type Machine = AsyncDisposable & {
  readonly dataDir: string
  ask(path: string): Promise<ReturnType<typeof JSON.parse>>
  pidOf(what: Victim): Promise<number>
  clone(): Promise<Clone>
}
export type Victim = 'server' | 'runner' | 'postgres'

/** `takt up` as a newcomer starts it, with a data directory of its own. */
export async function machine(engine: string): Promise<Machine> {
  const dataDir = await mkdtemp(join(tmpdir(), 'takt-whole-'))
  await chmod(dataDir, 0o755)
  const port = await freePort()
  const env = {
    PATH: process.env['PATH'],
    HOME: dataDir,
    TAKT_DATA: dataDir,
    TAKT_PORT: String(port),
    TAKT_ENGINE: engine,
    TAKT_SLOTS: '2',
    TAKT_DEMO: 'off',
  }
  const up = spawn(process.execPath, ['server/command/takt.ts', 'up'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = saidBy(up)
  await until(() => said().includes('Takt is up.'), { withinMs: 60_000 })
  const url = `http://127.0.0.1:${port}`
  const token = (await readFile(join(dataDir, 'token'), 'utf8')).trim()
  const authorization = `Bearer ${token}`
  return {
    dataDir,
    async ask(path) {
      const response = await fetch(url + path, { headers: { authorization } })
      if (!response.ok) throw new Error(`${path}: ${response.status}`)
      return response.json()
    },
    async pidOf(what) {
      if (what === 'postgres')
        return Number(
          (await readFile(join(dataDir, 'postgres/cluster/postmaster.pid'), 'utf8')).split('\n')[0],
        )
      const { children } = JSON.parse(await readFile(join(dataDir, 'up.json'), 'utf8')) as {
        children: { pid: number }[]
      }
      const program = what === 'server' ? 'takt.ts\0server' : 'runner/main.ts'
      for (const { pid } of children) {
        if ((await readFile(`/proc/${pid}/cmdline`, 'utf8')).includes(program)) return pid
      }
      throw new Error(`no ${what} among ${JSON.stringify(children)}`)
    },
    async clone() {
      const response = await fetch(`${url}/api/v1/projects`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'shop' }),
      })
      if (!response.ok) throw new Error(await response.text())
      return cloneOf(`${url.replace('://', `://x:${token}@`)}/git/shop.git`)
    },
    async [Symbol.asyncDispose]() {
      const postgres = await realpath(join(dataDir, 'postgres'))
      up.kill('SIGTERM')
      await once(up, 'exit')
      if (postgres.startsWith('/var/lib/takt/')) await rm(dirname(postgres), { recursive: true, force: true })
      await rm(dataDir, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

function saidBy(child: ChildProcess): () => string {
  let said = ''
  for (const out of [child.stdout, child.stderr])
    out?.on('data', (words: Buffer) => (said += words.toString()))
  return () => said
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}
