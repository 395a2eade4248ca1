import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** What log lines hold is known to those who ask for it. */
type Json = ReturnType<typeof JSON.parse>

/** A server as it is started for real: a process of its own. */
export type ServerProcess = AsyncDisposable & {
  readonly url: string
  readonly token: string
  readonly runnerToken: string
  readonly dataDir: string
  readonly pid: number
}

/** @param databaseUrl  Without one it brings its own PostgreSQL up. */
export async function startServerProcess(databaseUrl?: string): Promise<ServerProcess> {
  const dataDir = await mkdtemp(join(tmpdir(), 'takt-bench-'))
  await chmod(dataDir, 0o755)
  const settings = { TAKT_DATA: dataDir, TAKT_PORT: '0', TAKT_DEMO: 'off' }
  const server = spawn(process.execPath, ['server/command/takt.ts', 'server'], {
    env: { ...process.env, ...settings, ...(databaseUrl ? { DATABASE_URL: databaseUrl } : {}) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const { url } = await lineOf(server, 'server.ready')
  return {
    url,
    token: (await readFile(join(dataDir, 'token'), 'utf8')).trim(),
    runnerToken: (await readFile(join(dataDir, 'runner-token'), 'utf8')).trim(),
    dataDir,
    pid: server.pid ?? 0,
    async [Symbol.asyncDispose]() {
      await end(server)
      await rm(dataDir, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}

export async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM')
  await once(child, 'exit')
}

/** The JSON line of that name, from a process's output; what comes behind it is read and dropped. */
export async function lineOf(child: ChildProcess, name: string): Promise<Json> {
  if (!child.stdout) throw new Error('the process has no output to read')
  const lines = createInterface({ input: child.stdout })
  const { promise, resolve, reject } = Promise.withResolvers<Json>()
  lines.on('line', (text) => {
    const said = JSON.parse(text)
    if (said.msg === name) resolve(said)
  })
  child.once('exit', (code) => reject(new Error(`it ended with ${code} before it said ${name}`)))
  return promise
}
