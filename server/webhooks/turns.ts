/** Who had his turn longer ago than so many others counts as one who had none. */
const MOST_KNOWN = 10_000

/**
 * Whose turn it is among those who wait: first who had none yet, then who had his longest ago. So whoever has a long queue gets one
 * thing done for each that others get done, and nobody waits for all of it.
 */
export class Turns<Id> {
  /** In the order of their last turns. */
  readonly #had = new Set<Id>()

  /** Those who had no turn yet keep the order in which they came. */
  order(waiting: readonly Id[]): Id[] {
    const here = new Set(waiting)
    return [...waiting.filter((id) => !this.#had.has(id)), ...[...this.#had].filter((id) => here.has(id))]
  }

  took(id: Id): void {
    this.#had.delete(id)
    this.#had.add(id)
    const [oldest] = this.#had
    if (this.#had.size > MOST_KNOWN && oldest !== undefined) this.#had.delete(oldest)
  }
}
