import type { Link, LinkOptions } from './link.ts'
import type { Pool } from './pool/pool.ts'
import { type House, perform } from './run.ts'
import { Turnstile } from './turnstile.ts'
import type { Work } from './work.ts'

export type ServeOptions = {
  readonly pool: Pick<Pool, 'room' | 'took' | 'left'>
  /** So many runs go on at once, whatever the server sends. */
  readonly most: number
  /** On abort no more work is asked for; what runs goes on. */
  readonly quit: AbortSignal
  /** The link, made with this server of runs as its taker. */
  readonly connect: (taker: Pick<LinkOptions, 'room' | 'take'>) => Link
}

export type Service = {
  readonly link: Link
  /** Resolves when no run is going on any more. */
  idle(): Promise<void>
}

/**
 * Keep runs going, as many as the pool has room for.
 *
 * A server can send one run more than there is room for, when the room went (it was paused, or ails) as it sent it; that one waits
 * for a slot.
 */
export function serve(house: House, { pool, most, quit, connect }: ServeOptions): Service {
  const turnstile = new Turnstile(most)
  const going = new Set<Promise<void>>()
  const room = () => (quit.aborted ? 0 : pool.room())
  const take = (work: Work) => {
    const run = passThrough(work).finally(() => going.delete(run))
    going.add(run)
    pool.took()
  }
  const passThrough = async (work: Work) => {
    const slot = await turnstile.enter(never)
    // What is left of an ended run is removed beside the next one, which need not wait for it.
    await perform(work, house, () => {
      slot[Symbol.dispose]()
      pool.left()
    })
  }
  const link = connect({ room, take })
  quit.addEventListener('abort', () => link.ready(), { once: true })
  const idle = async () => {
    while (going.size > 0) await Promise.all(going)
  }
  return { link, idle }
}

/** A run that was taken is ended properly, also a stopped one: it enters in its turn and then sees that it was stopped. */
const never = new AbortController().signal
