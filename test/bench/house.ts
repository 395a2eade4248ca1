import { spawn } from 'node:child_process'
import { RUNNER_ARGS, RUNNER_ENVIRONMENT } from '../../server/command/config.ts'
import { end, lineOf, startServerProcess } from './processes.ts'

/** What answers hold is known to those who ask for it. */
type Json = ReturnType<typeof JSON.parse>

/** Server and runner as they are started for real: processes of their own, the embedded PostgreSQL, the Docker engine. */
export type BenchHouse = AsyncDisposable & {
  readonly url: string
  readonly token: string
  /** The server's process; its PostgreSQL is below it. */
  readonly pid: number
  readonly runnerPid: number
  ask(request: string, body?: unknown): Promise<Json>
}

export async function startProcesses(settings: NodeJS.ProcessEnv = {}): Promise<BenchHouse> {
  const server = await startServerProcess()
  const { url, token } = server
  const runner = spawn(process.execPath, RUNNER_ARGS, {
    env: {
      ...RUNNER_ENVIRONMENT,
      PATH: process.env['PATH'],
      TAKT_SERVER: url,
      TAKT_RUNNER_TOKEN: server.runnerToken,
      TAKT_ENGINE: 'docker',
      TAKT_DATA: server.dataDir,
      TAKT_SLOTS: '2',
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await lineOf(runner, 'link.opened')
  return {
    url,
    token,
    pid: server.pid,
    runnerPid: runner.pid ?? 0,
    ask: asker(url, token),
    async [Symbol.asyncDispose]() {
      // The second signal says: at once. What still runs was only there to be looked at.
      runner.kill('SIGINT')
      await end(runner)
      await server[Symbol.asyncDispose]()
    },
  }
}

/** Ask the API: `POST /api/v1/projects`, a body. @throws {Error} When it is not answered with success. */
export const asker =
  (url: string, token: string) =>
  async (request: string, body?: unknown): Promise<Json> => {
    const [method = 'GET', path = '/'] = request.split(' ')
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const response = await fetch(url + path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new Error(`${request}: ${response.status} ${await response.text()}`)
    return response.json()
  }
