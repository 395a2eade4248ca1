import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { redialMs } from '#pipelines/wire/redial.ts'
import { Ending, RED } from './ending.ts'
import { awaitLine, lastWords, type LogLine, openLog } from './log-file.ts'
import { note } from './print.ts'
import { killGroup } from './processes.ts'

/** One of the programs that `up` runs. */
export type Part = {
  readonly name: 'server' | 'runner'
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly logFile: string
  readonly isReady: (line: LogLine) => boolean
}

export type Kept = {
  /** The line by which it said for the first time that it is ready. Rejects when it ends before. */
  readonly ready: Promise<LogLine>
  /** Resolves when it has ended for good. Rejects when it cannot be started again. */
  readonly over: Promise<void>
  /** Ask it to end and wait; it is asked again when `hurry` aborts or patience ends, and killed a little later. */
  end(patienceMs: number, hurry: AbortSignal): Promise<void>
}

type House = { readonly stopping: AbortSignal; readonly adopt: (pid: number) => void }

/** Lived so long, an end is an accident and not the next one of a series. */
const SOUND_MS = 30_000
const AT_ONCE_MS = 3_000

/** Run a program and start it again whenever it ends, until `stopping` aborts. */
export function keepAlive(part: Part, house: House): Kept {
  const ready = Promise.withResolvers<LogLine>()
  ready.promise.catch(() => {}) // whoever asks hears of it; nobody asks when we are stopping
  let child: ChildProcess | null = null
  const life = live()
  life.catch((error: unknown) => ready.reject(error))

  async function live(): Promise<void> {
    for (let attempt = 0; !house.stopping.aborted; attempt++) {
      const bornAt = performance.now()
      const log = await openLog(part.logFile)
      child = spawn(process.execPath, part.args, {
        env: part.env,
        detached: true,
        stdio: ['ignore', log.file.fd, log.file.fd],
      })
      const exited = new AbortController()
      const exit = once(child, 'exit').finally(() => exited.abort())
      house.adopt(child.pid ?? 0)
      await log.file.close()
      void awaitLine(log.place, part.isReady, exited.signal).then((line) => {
        if (line && attempt > 0) note(`takt: the ${part.name} is back`)
        if (line) ready.resolve(line)
      })
      const [code, signal] = (await exit) as [number | null, NodeJS.Signals | null]
      if (house.stopping.aborted) return
      if (await isPending(ready.promise)) return ready.reject(await stillborn(part, log.place))
      if (performance.now() - bornAt > SOUND_MS) attempt = 0
      const waitMs = redialMs(attempt, Math.random())
      note(
        `takt: the ${part.name} ended (${signal ?? `exit code ${code}`}); starting it again in ${waitMs} ms. Its log: ${part.logFile}`,
      )
      await delay(waitMs, undefined, { signal: house.stopping }).catch(() => {}) // stopping: the loop sees it
    }
  }

  return {
    ready: ready.promise,
    over: life,
    end: (patienceMs, hurry) => endChild(() => child, life, { patienceMs, hurry }),
  }
}

const isPending = (promise: Promise<unknown>): Promise<boolean> =>
  Promise.race([promise.then(() => false), delay(50).then(() => true)])

const stillborn = async ({ name }: Part, place: { path: string; from: number }) =>
  new Ending(RED, `the ${name} did not start:\n${await lastWords(place)}\nIts log: ${place.path}`)

async function endChild(
  child: () => ChildProcess | null,
  life: Promise<void>,
  { patienceMs, hurry }: { patienceMs: number; hurry: AbortSignal },
): Promise<void> {
  const over = new AbortController()
  const ended = life.finally(() => over.abort())
  child()?.kill('SIGTERM')
  await delay(patienceMs, undefined, { signal: AbortSignal.any([over.signal, hurry]) }).catch(() => {}) // over, or in a hurry
  if (!over.signal.aborted) child()?.kill('SIGTERM')
  await delay(AT_ONCE_MS, undefined, { signal: over.signal }).catch(() => {}) // it is over
  const pid = child()?.pid
  if (!over.signal.aborted && pid) killGroup(pid)
  await ended
}
