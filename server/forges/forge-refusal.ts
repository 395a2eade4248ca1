import { retryAfterMs } from '../http/retry-after.ts'

/** A forge did not take what it was told, or did not answer what it was asked. */
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
