import type { Db } from '../db/connect.ts'
import { keepLease } from '../events/keep-lease.ts'
import type { Hints } from '../events/listen.ts'
import { passOver } from '../events/read-on.ts'
import { startWorker } from '../events/worker.ts'
import { hasOwnToken, OWN_TOKEN, type TokenOf } from '../forges/own-token.ts'
import { log } from '../log.ts'
import {
  type Door,
  doorsWithSome,
  type HeldDoor,
  letGoOfDoor,
  nameOf,
  nextInMs,
  RENEW_MS,
  renewDoor,
  takeDoor,
} from './doors.ts'
import type { Forge } from './forge.ts'
import type { KnownForge } from './forges.ts'
import { lookAtNext } from './look.ts'
import { readEvents } from './read-events.ts'
import { refuseDoor, sendNext } from './send.ts'

export type Telling = {
  readonly db: Db
  readonly forges: readonly KnownForge[]
  readonly tokenOf: TokenOf
  readonly publicUrl: () => string
}

/** Without a token for anybody, what happens is passed over, so that one that is set later is not told of years. */
const PASS_OVER_MS = 10_000

/**
 * Tell forges how commits stand: facts make commits due, a look says how their statuses should stand, and those that have not arrived
 * are sent. Each door by itself, so that one behind which nobody answers holds up no other.
 */
export function startStatuses(
  telling: Telling,
  loop: { hints: Pick<Hints, 'on'>; sweepMs: number },
): AsyncDisposable {
  const { db, forges } = telling
  const quit = new AbortController()
  const busy = new Map<string, Promise<void>>()
  let alarm: NodeJS.Timeout | undefined
  let restsUntil = 0

  async function send(door: Door): Promise<void> {
    try {
      await sendAll(telling, door, quit.signal)
    } catch (error) {
      log.error({ err: error, door: nameOf(door) }, 'statuses.failed') // the database is away: the next look tries again
    } finally {
      busy.delete(nameOf(door))
      worker.poke()
    }
  }
  async function look(): Promise<boolean> {
    clearTimeout(alarm)
    if (performance.now() < restsUntil) return false
    if (!forges.some(({ own }) => own !== null) && !(await hasOwnToken(db))) {
      restsUntil = performance.now() + PASS_OVER_MS
      await passOver(db, 'status_cursor')
      return false
    }
    while (await readEvents(db));
    while (!quit.signal.aborted && (await lookAtNext(db, forges)));
    for (const door of await doorsWithSome(db))
      if (!busy.has(nameOf(door))) busy.set(nameOf(door), send(door))
    const inMs = await nextInMs(db)
    if (inMs !== null && inMs < loop.sweepMs) alarm = setTimeout(() => worker.poke(), inMs + 5).unref()
    return false
  }
  const worker = startWorker('statuses', look, loop)
  return {
    async [Symbol.asyncDispose]() {
      quit.abort()
      await worker[Symbol.asyncDispose]()
      clearTimeout(alarm)
      await Promise.all(busy.values())
    },
  }
}

/** Tell of all that may go through a door, as long as it is ours. */
async function sendAll(telling: Telling, at: Door, quit: AbortSignal): Promise<void> {
  const { db, publicUrl } = telling
  const lease = await takeDoor(db, at)
  if (lease === null) return
  const door: HeldDoor = { ...at, lease }
  using kept = keepLease({
    everyMs: RENEW_MS,
    renew: () => renewDoor(db, door),
    onError: (error) => log.warn({ err: error, door: nameOf(door) }, 'door.not-renewed'), // its lease ends by itself
  })
  const signal = AbortSignal.any([quit, kept.signal])
  try {
    const forge = await forgeBehind(telling, door)
    if (typeof forge === 'string') await refuseDoor({ db, door }, forge)
    else while (!signal.aborted && (await sendNext({ db, forge, door, publicUrl, signal })));
  } finally {
    await letGoOfDoor(db, door)
  }
}

/** The forge by the door's token; in words why there is none. */
async function forgeBehind({ db, forges, tokenOf }: Telling, door: HeldDoor): Promise<Forge | string> {
  const forge = forges.find(({ name }) => name === door.forge)
  if (!forge) return `this server knows no ${door.forge} any more`
  const { project: id } = door
  if (id === null) return forge.own ?? `this server has no token for ${forge.host} any more`
  const project = await db.selectFrom('projects').select('name').where('id', '=', id).executeTakeFirst()
  try {
    const token = project && (await tokenOf(project.name))
    return token ? forge.by(token) : `the project’s secret \`${OWN_TOKEN}\` is not set for every run`
  } catch (error) {
    return `the project’s secret \`${OWN_TOKEN}\` cannot be opened: ${error instanceof Error ? error.message : error}`
  }
}
