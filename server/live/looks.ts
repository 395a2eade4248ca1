import type { Credentials } from '../access/authenticate.ts'
import type { Sight } from './sight.ts'

/** So many at a time: rights that change are no reason to keep everybody else from the database. */
const AT_ONCE = 4

type Waiting = PromiseWithResolvers<Sight> & { readonly credentials: Credentials }

/**
 * Who may see what is looked up anew for every connection when somebody's rights change. Connections that show the same
 * credentials share a look, but only one that begins after each of them has asked: an older one may not know of the change.
 */
export class Looks {
  readonly #look: (credentials: Credentials) => Promise<Sight>
  readonly #waiting = new Map<string, Waiting>()
  #underWay = 0

  constructor(look: (credentials: Credentials) => Promise<Sight>) {
    this.#look = look
  }

  /** @throws {Problem} What the look throws. */
  ask(credentials: Credentials): Promise<Sight> {
    const { authorization, cookie, held } = credentials
    const key = JSON.stringify([authorization, cookie, held])
    const known = this.#waiting.get(key)
    if (known) return known.promise
    const waiting = { ...Promise.withResolvers<Sight>(), credentials }
    this.#waiting.set(key, waiting)
    // All who hear of the same event ask in the same breath.
    queueMicrotask(() => this.#goOn())
    return waiting.promise
  }

  #goOn(): void {
    for (const [key, { credentials, resolve, reject }] of this.#waiting) {
      if (this.#underWay >= AT_ONCE) return
      this.#waiting.delete(key)
      this.#underWay++
      this.#look(credentials)
        .then(resolve, reject)
        .finally(() => {
          this.#underWay--
          this.#goOn()
        })
    }
  }
}
