import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { redialMs } from '#pipelines/wire/redial.ts'
import { CHANNEL } from '../db/transact.ts'
import { log } from '../log.ts'

/** Tells whoever asked that something was committed. It may ring once too often, and never once too seldom. */
export interface Hints extends AsyncDisposable {
  /** @returns How to stop being told. */
  on(told: () => void): () => void
  /** Resolves when the first connection listens. */
  readonly ready: Promise<void>
}

const HEARTBEAT_MS = 5_000

/**
 * One connection that LISTENs. It redials by itself, and rings after every redial, because what was said meanwhile is lost.
 *
 * @param onRedial  Called before the first ring after a lost connection, for those who count on having been present.
 */
export function listen(url: string, onRedial: () => Promise<void> = async () => {}): Hints {
  const told = new Set<() => void>()
  const quit = new AbortController()
  const ready = Promise.withResolvers<void>()
  const ring = () => {
    for (const tell of told) tell()
  }
  const loop = keepListening(url, { ring, onRedial, quit: quit.signal, ready: ready.resolve })
  return {
    ready: ready.promise,
    on(tell) {
      told.add(tell)
      return () => told.delete(tell)
    },
    async [Symbol.asyncDispose]() {
      quit.abort()
      await loop
    },
  }
}

type Listening = { ring: () => void; onRedial: () => Promise<void>; quit: AbortSignal; ready: () => void }

async function keepListening(url: string, { ring, onRedial, quit, ready }: Listening): Promise<void> {
  for (let failures = 0, first = true; !quit.aborted;) {
    try {
      await listenOnce(
        url,
        quit,
        async () => {
          if (!first) await onRedial()
          first = false
          failures = 0
          ready()
          ring()
        },
        ring,
      )
    } catch (error) {
      if (quit.aborted) return
      log.warn({ err: error }, 'listen.lost')
      await sleep(redialMs(failures++, randomInt(1_000) / 1_000), undefined, { signal: quit }).catch(() => {}) // aborted: the loop ends
    }
  }
}

/** Resolves when `quit` aborts; rejects when the connection breaks or stops answering. */
async function listenOnce(
  url: string,
  quit: AbortSignal,
  onReady: () => Promise<void>,
  ring: () => void,
): Promise<void> {
  const client = new Client({ connectionString: url, application_name: 'takt-listen', keepAlive: true })
  const broken = Promise.withResolvers<void>()
  client.on('error', broken.reject)
  client.on('end', () => broken.reject(new Error('the listening connection ended')))
  client.on('notification', ring)
  const stop = () => broken.resolve()
  quit.addEventListener('abort', stop, { once: true })
  const heartbeat = setInterval(() => client.query('select 1').catch(broken.reject), HEARTBEAT_MS)
  try {
    await client.connect()
    await client.query(`listen ${CHANNEL}`)
    await onReady()
    await broken.promise
  } finally {
    clearInterval(heartbeat)
    quit.removeEventListener('abort', stop)
    broken.promise.catch(() => {}) // ending the client below rejects it once more, and nobody waits any longer
    await client.end().catch(() => {}) // it may be broken already, which is why we are here
  }
}
