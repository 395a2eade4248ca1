import type { Verdict } from '#pipelines/statuses/verdict.ts'
import type { ForgePlace } from '../forges/forge-of.ts'

/** A status as a forge is told of it. Nothing in it is a secret: names, states and counts. */
export type Telling = {
  /** The repository's path there: `acme/shop`, with GitLab also `acme/tools/shop`. */
  readonly repository: string
  readonly sha: string
  /** The branch or tag that it came by; null for a pull request. */
  readonly ref: string | null
  readonly name: string
  readonly verdict: Verdict
  readonly words: string
  readonly link: string
  /** Whether it is of a whole line, and not of one job. */
  readonly isLine: boolean
  /** Our number of it, by which it is known again. */
  readonly id: string
  /** What the forge called it when it was last told, and what it was told then. */
  readonly before: { readonly externalId: string | null; readonly verdict: Verdict | null }
  /** It was begun to be told once, and nobody heard whether that arrived. */
  readonly unsure: boolean
}

/** It arrived. `rest` says when the forge wants to hear more, where it does not want to at once. */
export type Arrived = { readonly externalId: string | null; readonly restMs: number }

/** A forge with an API for statuses. */
export interface Forge extends ForgePlace {
  /** @throws {ForgeRefusal} Everything that can be expected of a forge. */
  tell(telling: Telling, signal: AbortSignal): Promise<Arrived>
}
