import type { SourceSettings } from '../db/source-tables.ts'
import type { Allowed } from '../http/reachable.ts'

/** Something that a stream hands out. */
export type Came = {
  /** The stream's own name for it: the same each time it is handed out. */
  readonly event: string
  /** As text; what it means is found out later. */
  readonly payload: string
}

/** Write down what came. When this resolves it is committed, and only then the stream is told that it need not hand it out again. */
export type Keep = (came: readonly Came[]) => Promise<void>

export type Reading = {
  readonly settings: SourceSettings
  readonly login: { readonly username: string; readonly password: string } | null
  readonly allowed: Allowed
  readonly keep: Keep
  /** It was reached. */
  readonly onReached: () => Promise<void>
  readonly signal: AbortSignal
}

/**
 * A stream of others, read as a member of a consumer group. What was handed out and not acknowledged, because somebody was killed
 * in between, is handed out once more. Resolves when `signal` aborts, and throws what breaks it.
 */
export type EventSource = (reading: Reading) => Promise<void>
