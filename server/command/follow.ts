import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { WebSocket } from 'ws'
import type { z } from 'zod'
import { DashboardSays, LiveSays } from '#pipelines/wire/live.ts'
import { redialMs } from '#pipelines/wire/redial.ts'
import type { Run } from '../runs/shapes.ts'
import { authorization, call, unreachable } from './call.ts'
import type { Config } from './config.ts'
import { Ending, RED, WRONG_USE } from './ending.ts'
import { note } from './print.ts'

/** How long a server may be away before we believe that it does not come back. */
const PATIENCE_MS = 120_000
const WATCH = 1

/** A run's log from its first byte to its last, across reconnects, each byte once. Then 0 where it succeeded, else 1. */
export async function follow(config: Config, run: number): Promise<number> {
  await call(config, `/api/v1/runs/${run}`) // says in words what a socket cannot: not found, not let in, nobody there
  const reader: Reader = { config, run, attempt: null, ends: new Map(), heardAt: Date.now() }
  for (let attempt = 0; !(await tailOnce(reader)); attempt++) {
    if (Date.now() - reader.heardAt > PATIENCE_MS) throw unreachable(config, null)
    if (Date.now() - reader.heardAt < 1_000) attempt = 0
    await delay(redialMs(attempt, Math.random()))
  }
  const { state } = await call<z.output<typeof Run>>(config, `/api/v1/runs/${run}`)
  note(`run ${run} ${state}`)
  return state === 'succeeded' ? 0 : RED
}

type Reader = {
  readonly config: Config
  readonly run: number
  attempt: number | null
  /** Of each step, the first byte that was not printed yet. */
  readonly ends: Map<number, number>
  heardAt: number
}

/** One connection's worth of log. True when the log is over, false when the connection is. */
async function tailOnce(reader: Reader): Promise<boolean> {
  const socket = new WebSocket(`${reader.config.url.replace(/^http/, 'ws')}/live`, {
    headers: authorization(reader.config),
    perMessageDeflate: false,
  })
  const tail = () =>
    socket.send(say({ say: 'tail', watch: WATCH, run: reader.run, from: positionOf(reader) }))
  const ended = Promise.withResolvers<boolean>()
  socket.on('open', tail)
  socket.on('error', (error) => note(`takt: ${error.message || 'the connection broke'}; trying again`))
  socket.on('close', () => ended.resolve(false))
  socket.on('message', (bytes: Buffer) => {
    const heard = LiveSays.parse(JSON.parse(bytes.toString('utf8')))
    reader.heardAt = Date.now()
    if (heard.say === 'log') void write(heard, reader, socket)
    else if (heard.say === 'behind') tail()
    else if (heard.say === 'log.ended') ended.resolve(true)
    else if (heard.say === 'refused') ended.reject(new Ending(WRONG_USE, `${heard.reason} (${heard.code})`))
  })
  try {
    return await ended.promise
  } finally {
    socket.terminate()
  }
}

const positionOf = ({ attempt, ends }: Reader) => (attempt === null ? null : { attempt, ends: [...ends] })
const say = (message: DashboardSays): string => JSON.stringify(DashboardSays.parse(message))

/** Print a piece, unless it was printed before; the server is made to wait while our own reader is slower than it is. */
async function write(
  piece: Extract<LiveSays, { say: 'log' }>,
  reader: Reader,
  socket: WebSocket,
): Promise<void> {
  const { attempt, step, end, text } = piece
  if (reader.attempt !== null && reader.attempt !== attempt) {
    note(`takt: the run begins again, attempt ${attempt}`)
    // What stands before the first step that is done again, at a gate, was said.
    for (const known of [...reader.ends.keys()]) if (known >= step) reader.ends.delete(known)
  }
  reader.attempt = attempt
  if (end <= (reader.ends.get(step) ?? 0)) return
  reader.ends.set(step, end)
  if (process.stdout.write(text)) return
  socket.pause()
  await once(process.stdout, 'drain')
  socket.resume()
}
