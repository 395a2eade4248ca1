import { mkdir, readFile, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'pg'
import { redialMs } from '#pipelines/wire/redial.ts'
import type { Log } from '../log.ts'
import { type Binaries, findBinaries } from './embedded-binaries.ts'
import { DATABASE_USER, ensureCluster } from './embedded-cluster.ts'
import { findHome, type Home } from './embedded-home.ts'
import {
  becomesReady,
  clearAfterCrash,
  endPostmaster,
  findPostmaster,
  launchPostmaster,
  type Postmaster,
  type Settings,
} from './embedded-postmaster.ts'

export type EmbeddedPostgres = AsyncDisposable & {
  /** For `pg`: a Unix socket, no port, no password. */
  readonly url: string
  stop(): Promise<void>
}

type Options = {
  /** Gives up starting; once started, only `stop` ends it. */
  readonly signal?: AbortSignal
  readonly log: Pick<Log, 'info' | 'warn'>
  /** More settings of PostgreSQL, over ours. */
  readonly settings?: Settings
}
type Place = {
  readonly home: Home
  readonly binaries: Binaries
  readonly logFile: string
  readonly settings?: Settings | undefined
}

const DATABASE = 'takt'

/**
 * A real PostgreSQL of the server's own, in its data directory.
 *
 * One that a killed server left running is taken over; one that dies is started again until `stop`. What it says goes to
 * `<dataDir>/log/postgres.log`.
 *
 * @throws {Error} In words for people: no PostgreSQL for this machine, a database of another major version, a directory that
 *   cannot be used.
 */
export async function startEmbedded(
  dataDir: string,
  { signal, log, settings }: Options,
): Promise<EmbeddedPostgres> {
  const home = await findHome(dataDir)
  const binaries = await findBinaries(home)
  await ensureCluster(home, binaries, signal)
  const place = { home, binaries, logFile: await logFileIn(dataDir), settings }
  const first = await startOrAdopt(place, signal)
  const url = urlOf(home, DATABASE)
  await ensureDatabase(home).catch(async (error: unknown) => {
    if (first.origin === 'started') await endPostmaster(home.cluster, first)
    throw error
  })
  log.info({ origin: first.origin, pid: first.pid }, 'database.started')

  const stopping = new AbortController()
  const trimming = setInterval(() => void trim(place.logFile), 60_000).unref()
  const lastOne = keepRunning(first, place, { stopping: stopping.signal, log })
  const stop = async () => {
    stopping.abort()
    clearInterval(trimming)
    const postmaster = await lastOne
    if (postmaster) await endPostmaster(home.cluster, postmaster)
  }
  return { url, stop, [Symbol.asyncDispose]: stop }
}

const urlOf = (home: Home, database: string) =>
  `postgres://${DATABASE_USER}@/${database}?host=${encodeURIComponent(home.socket)}`

const MOST_ATTEMPTS = 8

/** A postmaster that takes connections: the one that runs already, or a new one. */
async function startOrAdopt(place: Place, signal?: AbortSignal): Promise<Postmaster> {
  const { cluster } = place.home
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    if (attempt > 0) await delay(redialMs(attempt, Math.random()), undefined, { signal })
    const running = await adoptable(place)
    if (!running) await clearAfterCrash(place.home)
    const postmaster = running ?? (await launchPostmaster(place.home, place.binaries, place))
    if (await readyOrEnded(cluster, postmaster, signal)) return postmaster
  }
  const words = (await readFile(place.logFile, 'utf8')).trimEnd().split('\n').slice(-5).join('\n')
  throw new Error(`PostgreSQL does not start in ${cluster}. Its last words, from ${place.logFile}:\n${words}`)
}

async function readyOrEnded(cluster: string, postmaster: Postmaster, signal?: AbortSignal): Promise<boolean> {
  try {
    return await becomesReady(cluster, postmaster, signal)
  } catch (error) {
    if (postmaster.origin === 'started') await endPostmaster(cluster, postmaster)
    throw error
  }
}

/** The running postmaster, if it is as we would have started it; another one is ended: its socket or its program moved. */
async function adoptable({ home, binaries }: Place): Promise<Postmaster | null> {
  const running = await findPostmaster(home.cluster)
  if (!running || (running.socket === home.socket && running.program === binaries.postgres)) return running
  await endPostmaster(home.cluster, running)
  return null
}

/** Start PostgreSQL again whenever it ends, until `stopping`; then hand over the one that runs, if any does. */
async function keepRunning(
  first: Postmaster,
  place: Place,
  { stopping, log }: { stopping: AbortSignal; log: Options['log'] },
): Promise<Postmaster | null> {
  const stopped = new Promise<void>((resolve) =>
    stopping.addEventListener('abort', () => resolve(), { once: true }),
  )
  let postmaster: Postmaster | null = first
  for (let attempt = 0; !stopping.aborted; attempt++) {
    if (postmaster) {
      await Promise.race([postmaster.gone, stopped])
      if (stopping.aborted) return postmaster
      log.warn({ pid: postmaster.pid }, 'database.died')
      attempt = 0
    }
    postmaster = await startOrAdopt(place, stopping).catch((error: unknown) => {
      if (!stopping.aborted) log.warn({ error: String(error), attempt }, 'database.not_started')
      return null
    })
    if (postmaster) log.info({ origin: postmaster.origin, pid: postmaster.pid }, 'database.started')
  }
  return postmaster
}

/** Make the database inside a cluster that does not have it yet. */
async function ensureDatabase(home: Home): Promise<void> {
  const client = new Client({ connectionString: urlOf(home, 'postgres') })
  await client.connect()
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [DATABASE])
    if (rowCount === 0) await client.query(`create database ${DATABASE}`)
  } catch (error) {
    // Another server that starts beside this one makes the same database, and either code may tell of it.
    const code = error instanceof Error && 'code' in error ? error.code : null
    if (code !== '42P04' && code !== '23505') throw error
  } finally {
    await client.end()
  }
}

async function logFileIn(dataDir: string): Promise<string> {
  await mkdir(join(dataDir, 'log'), { recursive: true })
  const path = join(dataDir, 'log', 'postgres.log')
  await trim(path)
  return path
}

const LOG_BYTES = 10_000_000
/** PostgreSQL appends without end; what is older than the bound tells nobody anything any more. */
async function trim(path: string): Promise<void> {
  const found = await stat(path).catch(() => null) // there is none before the first start
  if (found && found.size > LOG_BYTES) await truncate(path)
}
