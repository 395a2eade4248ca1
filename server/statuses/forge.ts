import type { Verdict } from '#pipelines/statuses/verdict.ts'
import type { ForgeName } from '../db/status-tables.ts'
import { retryAfterMs } from '../http/retry-after.ts'

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
}

/** It arrived. `rest` says when the forge wants to hear more, where it does not want to at once. */
export type Arrived = { readonly externalId: string | null; readonly restMs: number }

/** Somebody else's git server with an API for statuses. */
export interface Forge {
  readonly name: ForgeName
  /** The host whose repositories are its own. */
  readonly host: string
  /** @throws {ForgeRefusal} Everything that can be expected of a forge. */
  tell(telling: Telling, signal: AbortSignal): Promise<Arrived>
}

/** A forge did not take a status. */
export class ForgeRefusal extends Error {
  override readonly name = 'ForgeRefusal'
  /**
   * What is refused: `all` for now, whoever asks; `later`, this one, which may yet be taken; or `this` one, which will never be.
   */
  readonly what: 'all' | 'later' | 'this'
  /** When the forge said to come back; null where it did not say. */
  readonly afterMs: number | null

  constructor(what: ForgeRefusal['what'], words: string, afterMs: number | null = null) {
    super(words)
    this.what = what
    this.afterMs = afterMs
  }
}

/** What a forge's answer means to us. Header names are in lower case. */
export type Answer = {
  readonly status: number
  readonly header: (name: string) => string | null
  /** What it says, bounded: it is shown to people as text. */
  readonly words: string
}

const MOST_WORDS = 300
/** GitHub asks for a minute at least where it names no time. */
const SECONDARY_MS = 60_000
const DENIED_MS = 60_000

/** Read a refusal off an answer: what all forges have in common. */
export function refusalOf(forge: string, { status, header, words }: Answer, nowMs: number): ForgeRefusal {
  const said = `${forge} answered ${status}${words ? `: ${words.slice(0, MOST_WORDS)}` : ''}`
  const afterMs = waitOf(header, nowMs)
  const isLimit = status === 429 || (status === 403 && (afterMs !== null || /rate limit/i.test(words)))
  if (isLimit)
    return new ForgeRefusal('all', `${said}; it limits how often it is asked`, afterMs ?? SECONDARY_MS)
  if (status === 401)
    return new ForgeRefusal(
      'all',
      `${said}; its token is not accepted: set another one`,
      afterMs ?? DENIED_MS,
    )
  if (status >= 500 || status === 408) return new ForgeRefusal('all', said, afterMs)
  if (status === 404)
    return new ForgeRefusal(
      'later',
      `${said}; it knows no such repository or commit, or our token does not see it`,
    )
  if (status === 403) return new ForgeRefusal('this', `${said}; the token may not set statuses there`)
  return new ForgeRefusal('this', said)
}

/** How long the forge wants to be left alone, by its headers; null where it says nothing. */
export function waitOf(header: Answer['header'], nowMs: number): number | null {
  const asked = retryAfterMs(header('retry-after'), nowMs)
  if (asked !== null) return asked
  const left = header('x-ratelimit-remaining') ?? header('ratelimit-remaining')
  const reset = header('x-ratelimit-reset') ?? header('ratelimit-reset')
  if (left !== '0' || reset === null || !/^\d{1,12}$/.test(reset)) return null
  return Math.max(1_000, Number(reset) * 1_000 - nowMs)
}
