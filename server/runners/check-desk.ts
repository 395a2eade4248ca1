import type { CheckId } from '#pipelines/ids.ts'
import type { RunnerSays, ServerSays } from '#pipelines/wire/runner.ts'
import { hearChecked, orderOf } from '../checks/custom.ts'
import { CHECK_MS, claimDue, giveBack } from '../checks/due.ts'
import type { SecretsOf } from '../checks/logins.ts'
import type { Db } from '../db/connect.ts'

type Order = Extract<ServerSays, { say: 'check' }>
type Answer = Extract<RunnerSays, { say: 'checked' }>

/** The checks that one runner carries out at this moment: as many as it said that it does at once. */
export class CheckDesk {
  readonly #db: Db
  readonly #secretOf: SecretsOf
  readonly #say: (order: Order) => void
  readonly #going = new Map<CheckId, { readonly lease: string; readonly untilMs: number }>()
  #room = 0

  constructor(db: Db, secretOf: SecretsOf, say: (order: Order) => void) {
    this.#db = db
    this.#secretOf = secretOf
    this.#say = say
  }

  open(room: number): void {
    this.#room = room
  }

  /** Give out what is due, as far as there is room. What was never answered frees its place when its time is over. */
  async look(): Promise<void> {
    for (const [id, { untilMs }] of this.#going) if (untilMs < performance.now()) this.#going.delete(id)
    const most = this.#room - this.#going.size
    if (most <= 0) return
    for (const check of await claimDue(this.#db, { kinds: ['custom'], most })) {
      const order = await orderOf(this.#db, check, this.#secretOf)
      if (!order) continue
      this.#going.set(check.id, { lease: check.lease, untilMs: performance.now() + CHECK_MS })
      this.#say({ say: 'check', check: check.id, lease: check.lease, ...order } as Order)
    }
  }

  async hear(answer: Answer): Promise<void> {
    if (this.#going.get(answer.check)?.lease === answer.lease) this.#going.delete(answer.check)
    await hearChecked(this.#db, answer)
  }

  /** The runner is gone: somebody else is asked. */
  async leave(): Promise<void> {
    this.#room = 0
    for (const [id, { lease }] of this.#going) await giveBack(this.#db, { id, lease })
    this.#going.clear()
  }
}
