import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** What answers and log lines hold is known to those who ask for it. */
type Json = ReturnType<typeof JSON.parse>

/** Server and runner as they are started for real: processes of their own, the embedded PostgreSQL, the Docker engine. */
export type BenchHouse = AsyncDisposable & {
  readonly url: string
  readonly token: string
  readonly server: ChildProcess
  ask(request: string, body?: unknown): Promise<Json>
}

export async function startProcesses(): Promise<BenchHouse> {
  const dataDir = await mkdtemp(join(tmpdir(), 'takt-bench-'))
  await chmod(dataDir, 0o755)
  const env = { ...process.env, TAKT_DATA: dataDir, TAKT_PORT: '0', TAKT_DEMO: 'off' }
  const server = spawn(process.execPath, ['server/command/takt.ts', 'server'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const { url } = await line(server, 'server.ready')
  const token = (await readFile(join(dataDir, 'token'), 'utf8')).trim()
  const runnerToken = (await readFile(join(dataDir, 'runner-token'), 'utf8')).trim()
  const runner = spawn(process.execPath, ['runner/main.ts'], {
    env: {
      PATH: process.env['PATH'],
      TAKT_SERVER: url,
      TAKT_RUNNER_TOKEN: runnerToken,
      TAKT_ENGINE: 'docker',
      TAKT_DATA: dataDir,
      TAKT_SLOTS: '2',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await line(runner, 'link.opened')
  return {
    url,
    token,
    server,
    async ask(request, body) {
      const [method = 'GET', path = '/'] = request.split(' ')
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      const response = await fetch(url + path, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      if (!response.ok) throw new Error(`${request}: ${response.status} ${await response.text()}`)
      return response.json()
    },
    async [Symbol.asyncDispose]() {
      for (const child of [runner, server]) {
        child.kill('SIGTERM')
        await once(child, 'exit')
      }
      await rm(dataDir, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}

/** The JSON line of that name, from a process's output; what comes behind it is read and dropped. */
async function line(child: ChildProcess, name: string): Promise<Json> {
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
