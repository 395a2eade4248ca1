import { z } from 'zod'
import { TaktEvent } from './events.ts'

/**
 * What dashboard and server say to each other over the WebSocket at `/live`.
 *
 * A page takes a snapshot over HTTP (its `takt-cursor` header is the cursor), then watches a topic from that cursor on; after
 * a reconnect it watches again from the last cursor it saw and misses nothing. Logs resume by byte offset.
 */
const watch = z.number().int().min(0).max(1_000_000)
const run = z.number().int().positive()

/** More steps than a run has. */
const MOST_STEPS_READ = 4_000

/**
 * Where a reader of a run's log stands: of each step, the first byte that it does not want any more or does not have yet; a step
 * that is not named begins at its first. Steps speak at the same time, so that one place in one of them would not do.
 */
export const LogPosition = z.object({
  attempt: z.number().int().positive(),
  ends: z.array(z.tuple([z.number().int().min(0), z.number().int().min(0)])).max(MOST_STEPS_READ),
})
export type LogPosition = z.output<typeof LogPosition>

/** What can be watched: everything, one project, or one run (its events, not its log). */
export const Topic = z.discriminatedUnion('of', [
  z.object({ of: z.literal('all') }),
  z.object({ of: z.literal('project'), project: z.string().max(100) }),
  z.object({ of: z.literal('run'), run }),
])
export type Topic = z.output<typeof Topic>

/** Everything a dashboard can say. `watch` is its own number for the subscription; a repeated number replaces. */
export const DashboardSays = z.discriminatedUnion('say', [
  z.object({ say: z.literal('watch'), watch, topic: Topic, after: z.number().int().min(0) }),
  /** Follow a run's log; null begins at the first byte of the run's present attempt. */
  z.object({ say: z.literal('tail'), watch, run, from: LogPosition.nullable() }),
  z.object({ say: z.literal('unwatch'), watch }),
])
export type DashboardSays = z.output<typeof DashboardSays>

/** Everything the server can say to a dashboard. */
export const LiveSays = z.discriminatedUnion('say', [
  z.object({ say: z.literal('event'), watch, cursor: z.number().int(), event: TaktEvent }),
  /** A piece of a step's log, in the step's order, without gaps; `firstLine` counts from 0 within it. Cut at UTF-8 borders. */
  z.object({
    say: z.literal('log'),
    watch,
    attempt: z.number().int().positive(),
    step: z.number().int().min(0),
    offset: z.number().int().min(0),
    /** The offset behind this piece: where to resume. */
    end: z.number().int().min(0),
    firstLine: z.number().int().min(0),
    text: z.string(),
    /** When the server stored it, ISO 8601. */
    at: z.string(),
  }),
  /** The run is final and every byte of its log has been sent. */
  z.object({ say: z.literal('log.ended'), watch }),
  /** The reader fell too far behind: watch again after `cursor`, up to which he was told everything, or better take a new snapshot. */
  z.object({ say: z.literal('behind'), watch, cursor: z.number().int().min(0) }),
  z.object({ say: z.literal('refused'), watch: watch.nullable(), code: z.string(), reason: z.string() }),
])
export type LiveSays = z.output<typeof LiveSays>
