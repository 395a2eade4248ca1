import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keyFile } from '../../server/access/key-files.ts'
import { readConfig } from '../../server/config.ts'
import type { Db } from '../../server/db/connect.ts'
import { log } from '../../server/log.ts'
import { startServer } from '../../server/main.ts'
import { freshDatabase } from './database.ts'

/** What an answer holds is what the test is about, so it is looked into freely. */
type Json = ReturnType<typeof JSON.parse>
export type Answer = {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly body: Json
}

/** A whole server in this process: real PostgreSQL, real HTTP and WebSockets on a port of its own, a data directory of its own. */
export type House = AsyncDisposable & {
  readonly url: string
  readonly db: Db
  readonly databaseUrl: string
  readonly dataDir: string
  readonly token: string
  readonly runnerToken: string
  /** Ask the API as the admin; `as: null` asks as nobody. */
  ask(
    request: string,
    body?: unknown,
    more?: { headers?: Record<string, string>; as?: string | null },
  ): Promise<Answer>
  /** Stop the server and start another one on the same data and the same port. */
  restart(): Promise<void>
}

export const GITHUB_SECRET = 'a secret shared with nobody else'

export async function startHouse(env: Record<string, string> = {}): Promise<House> {
  log.level = process.env['TAKT_TEST_LOG'] ?? 'silent'
  const stack = new AsyncDisposableStack()
  const database = stack.use(await freshDatabase())
  const dataDir = await mkdtemp(join(tmpdir(), 'takt-house-'))
  stack.defer(() => rm(dataDir, { recursive: true, force: true, maxRetries: 3 }))
  await chmod(dataDir, 0o755)
  const settings = {
    DATABASE_URL: database.url,
    TAKT_DATA: dataDir,
    TAKT_PORT: '0',
    TAKT_DEMO: 'off',
    GITHUB_WEBHOOK_SECRET: GITHUB_SECRET,
    ...env,
  }
  let server = await startServer(readConfig(settings))
  stack.defer(() => server.stop())
  const url = server.local
  const token = await keyFile(dataDir, 'token')
  return {
    url,
    db: database.db,
    databaseUrl: database.url,
    dataDir,
    token,
    runnerToken: await keyFile(dataDir, 'runner-token'),
    ask: (request, body, { headers = {}, as = token } = {}) => ask(url, request, { body, headers, as }),
    async restart() {
      await server.stop()
      server = await startServer(readConfig({ ...settings, TAKT_PORT: new URL(url).port }))
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

type Asked = { body: unknown; headers: Record<string, string>; as: string | null }

/** `GET /api/v1/runs`, `POST /hooks/github`: a body that is bytes or text goes as it is, anything else as JSON. */
async function ask(url: string, request: string, { body, headers, as }: Asked): Promise<Answer> {
  const [method = 'GET', path = '/'] = request.split(' ')
  const raw = typeof body === 'string' || body instanceof Uint8Array
  const response = await fetch(url + path, {
    method,
    redirect: 'manual',
    headers: {
      ...(as === null ? {} : { authorization: `Bearer ${as}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: raw ? (body as BodyInit) : JSON.stringify(body) }),
  })
  const text = await response.text()
  const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '') // one, not a line each
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson && text !== '' ? JSON.parse(text) : null,
  }
}
