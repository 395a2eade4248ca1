import type { Report } from './report.ts'

/** So much log is written down in one transaction, packed as it came: half of what a runner says unheard, so that it need not wait. */
const BATCH_BYTES = 4 * 2 ** 20
const MOST_REPORTS = 64
/**
 * A transaction costs more than what a fast log says in the meantime: behind a long piece the next one is begun so much later,
 * unless there is something to do besides. Behind short ones, as people read them, nothing waits.
 */
const PAUSE_MS = 50
const LONG_BYTES = 4 * 1024

/** What a runner said and was not taken yet, in its order. */
export class Inbox<Order extends { readonly say: string }> {
  readonly #waiting: (Order | Report)[] = []
  #tookLongAt = -Infinity
  #wake: (() => void) | null = null

  push(message: Order | Report): void {
    this.#waiting.push(message)
    if (!this.#onlyAFlood()) this.#wake?.()
  }

  clear(): void {
    this.#waiting.length = 0
    this.#wake?.()
  }

  /**
   * What is next: an order, or reports of one run that are one transaction: not so many that the runner, which says no more than
   * so much unheard, has to wait for it. Undefined where nothing is.
   */
  async next(): Promise<Order | [Report, ...Report[]] | undefined> {
    const restMs = this.#tookLongAt + PAUSE_MS - performance.now()
    if (restMs > 0 && this.#onlyAFlood()) await this.#wait(restMs)
    const first = this.#waiting.shift()
    if (!first || !('said' in first)) return first
    const batch = this.#batch(first)
    if (batch.some(isLong)) this.#tookLongAt = performance.now()
    return batch
  }

  /** Whether nothing waits but log of one run, and less of it than one transaction takes. */
  #onlyAFlood(): boolean {
    const [first] = this.#waiting
    if (!first || !('said' in first) || this.#waiting.length >= MOST_REPORTS) return false
    let bytes = 0
    for (const each of this.#waiting) {
      if (!('said' in each) || !isPiece(each) || each.run !== first.run) return false
      bytes += sizeOf(each)
    }
    return bytes < BATCH_BYTES
  }

  async #wait(ms: number): Promise<void> {
    const timer = setTimeout(() => this.#wake?.(), ms)
    await new Promise<void>((resolve) => (this.#wake = resolve))
    clearTimeout(timer)
    this.#wake = null
  }

  /**
   * Everything that is there of the run, up to the next order: where many runs speak at the same time their reports lie mixed, and
   * a transaction for each would fall behind them further and further.
   */
  #batch(first: Report): [Report, ...Report[]] {
    const batch: [Report, ...Report[]] = [first]
    const others: Report[] = []
    let bytes = sizeOf(first)
    let seen = 0
    for (const next of this.#waiting) {
      if (!('said' in next) || batch.length >= MOST_REPORTS || bytes >= BATCH_BYTES) break
      seen++
      if (next.run !== first.run) {
        others.push(next)
        continue
      }
      // Of another lease: a transaction of its own, and nothing of the run before it.
      if (next.lease !== first.lease) {
        others.push(next)
        break
      }
      batch.push(next)
      bytes += sizeOf(next)
    }
    this.#waiting.splice(0, seen, ...others)
    return batch
  }
}

const isPiece = ({ said }: Report) => said.kind === 'log'
const isLong = ({ said }: Report) => said.kind === 'log' && said.piece.bytes >= LONG_BYTES
const sizeOf = ({ said }: Report) => (said.kind === 'log' ? said.piece.stored.length : 0)
