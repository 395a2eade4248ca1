import { asRefusal, type Refusal } from './api.ts'

/** What is asked for when somebody opens the fold it lies in: once it is there, it stays; where it was refused, it is asked again. */
export class WhenOpened<Value> {
  #value = $state.raw<Value | null>(null)
  #refusal = $state.raw<Refusal | null>(null)
  readonly #take: () => Promise<Value>

  constructor(take: () => Promise<Value>) {
    this.#take = take
  }

  get value(): Value | null {
    return this.#value
  }

  get refusal(): Refusal | null {
    return this.#refusal
  }

  look = async (): Promise<void> => {
    if (this.#value !== null) return
    this.#refusal = null
    try {
      this.#value = await this.#take()
    } catch (cause) {
      this.#refusal = asRefusal(cause)
    }
  }
}
