import { mkdir, realpath, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { keyFile } from '../access/key-files.ts'
import { type Config, readConfig } from '../config.ts'
import { endPostmaster, findPostmaster } from '../db/embedded-postmaster.ts'
import { banner } from './banner.ts'
import { claim } from './claim.ts'
import { call } from './call.ts'
import {
  environmentWith,
  readConfig as readCommandConfig,
  ROOT,
  RUNNER_ARGS,
  RUNNER_ENVIRONMENT,
  tokenIn,
} from './config.ts'
import { asWrongUse, Ending, WRONG_USE } from './ending.ts'
import { keepAlive, type Kept } from './keep-alive.ts'
import { type LogLine, nameOf } from './log-file.ts'
import { note, out } from './print.ts'
import { onToldToStop } from './stopping.ts'

/** How long running jobs may take to end before they are stopped; another runner, or the next start, runs them again. */
const RUNNER_MS = 60_000
const SERVER_MS = 25_000
const RUNNER_READY_MS = 15_000

/** Everything on one machine: the server, which brings its own database, and one runner. Ends when it is told to. */
export async function up(): Promise<number> {
  const config = asWrongUse(readConfig)
  const dataDir = resolve(config.TAKT_DATA)
  await mkdir(dataDir, { recursive: true })
  using claimed = await claim(dataDir)
  await refuseTakenPort(config)
  const stopping = new AbortController()
  const hurry = new AbortController()
  onToldToStop((times) => (times === 1 ? stopping : hurry).abort())

  const parts = await partsOf(config, dataDir)
  const house = { stopping: stopping.signal, adopt: claimed.adopt }
  note('takt: starting …')
  const server = keepAlive(parts.server, house)
  const runner = keepAlive(parts.runner, house)
  try {
    await Promise.race([welcome({ server, runner }, dataDir, localAddress(config)), aborted(stopping.signal)])
    await Promise.race([aborted(stopping.signal), server.over, runner.over])
    note(`takt: stopping. Running jobs have ${RUNNER_MS / 1_000} s to end (with another Ctrl-C: none) …`)
  } finally {
    stopping.abort()
    await shutDown({ server, runner }, dataDir, hurry.signal)
  }
  note('takt: stopped')
  return 0
}

async function partsOf(config: Config, dataDir: string) {
  const token = config.TAKT_RUNNER_TOKEN ?? (await keyFile(dataDir, 'runner-token'))
  const log = (name: string) => join(dataDir, 'log', `${name}.log`)
  const server = {
    name: 'server' as const,
    args: [join(ROOT, 'server/command/takt.ts'), 'server'],
    env: environmentWith({}),
    logFile: log('server'),
    isReady: (line: LogLine) => nameOf(line) === 'server.ready',
  }
  const runner = {
    name: 'runner' as const,
    args: RUNNER_ARGS,
    env: environmentWith({
      ...RUNNER_ENVIRONMENT,
      TAKT_SERVER: localAddress(config),
      TAKT_RUNNER_TOKEN: token,
    }),
    logFile: log('runner'),
    isReady: (line: LogLine) => nameOf(line) === 'runner.ready',
  }
  return { server, runner }
}

/** The server as this machine reaches it, whatever the world calls it. */
function localAddress({ TAKT_HOST, TAKT_PORT }: Config): string {
  const everywhere: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }
  const host = everywhere[TAKT_HOST] ?? (TAKT_HOST.includes(':') ? `[${TAKT_HOST}]` : TAKT_HOST)
  return `http://${host}:${TAKT_PORT}`
}

/** A server that finds its port taken says so as well, but only after its database is up. */
async function refuseTakenPort({ TAKT_HOST, TAKT_PORT }: Config): Promise<void> {
  if (TAKT_PORT === 0)
    throw new Ending(WRONG_USE, 'TAKT_PORT is 0: `takt up` needs a port that its runner and you can know')
  const probe = createServer().listen(TAKT_PORT, TAKT_HOST)
  try {
    await once(probe, 'listening')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    const why =
      code === 'EADDRINUSE'
        ? 'is taken by another program'
        : `cannot be listened on (${String(code ?? error)})`
    throw new Ending(
      WRONG_USE,
      `port ${TAKT_PORT} on ${TAKT_HOST} ${why}: choose another one, as in \`TAKT_PORT=8090 npm start\``,
      {
        cause: error,
      },
    )
  }
  probe.close()
  await once(probe, 'close')
}

async function welcome(
  { server, runner }: { server: Kept; runner: Kept },
  dataDir: string,
  address: string,
): Promise<void> {
  const beganAt = performance.now()
  const seconds = () => ((performance.now() - beganAt) / 1_000).toFixed(1)
  const serverLine = await server.ready
  await writeFile(join(dataDir, 'address'), `${address}\n`)
  note(`takt: the server is up (${seconds()} s)`)
  const late = { reason: 'it is not ready yet; its log tells why' }
  const runnerLine = await Promise.race([runner.ready, delay(RUNNER_READY_MS, late, { ref: false })])
  note(`takt: the runner is up (${seconds()} s)`)
  const { url: login } = await loginLinkOf(dataDir, address)
  out(
    await banner({ server: { ...serverLine, login }, runner: runnerLine, dataDir, token: tokenIn(dataDir) }),
  )
}

/** The server keeps secrets out of its log, so the link is asked for with the token that lies beside it. */
const loginLinkOf = (dataDir: string, url: string) =>
  call<{ url: string }>(
    { ...readCommandConfig(), dataDir, url, token: tokenIn(dataDir) },
    '/api/v1/login-links',
    { method: 'POST', body: {} },
  )

async function shutDown(
  { server, runner }: { server: Kept; runner: Kept },
  dataDir: string,
  hurry: AbortSignal,
): Promise<void> {
  await rm(join(dataDir, 'address'), { force: true })
  await runner.end(RUNNER_MS, hurry)
  await server.end(SERVER_MS, hurry)
  await endLeftPostgres(dataDir)
}

/** The server stops its own database; one that had to be killed could not. */
async function endLeftPostgres(dataDir: string): Promise<void> {
  const cluster = await realpath(join(dataDir, 'postgres', 'cluster')).catch(() => null) // none: DATABASE_URL is set
  const left = cluster === null ? null : await findPostmaster(cluster)
  if (cluster !== null && left) await endPostmaster(cluster, left)
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
