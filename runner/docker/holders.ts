import type Docker from 'dockerode'
import type { Log } from '../log.ts'
import type { Turnstile } from '../turnstile.ts'
import { type Allowances, ownAddresses, wallsAround } from './addresses.ts'
import type { Calm } from './calm.ts'
import { type Holder, prepareHolder } from './holder.ts'
import type { Maker } from './labels.ts'
import { addressesOfMachine } from './look.ts'
import { ensureNetwork, NETWORK } from './network.ts'
import { isStatus, wordsOf } from './refusal.ts'
import { Stock } from './stock.ts'
import { ONE_MORE } from './wall.ts'

/** How old the knowledge of another machine's addresses may be. */
const LOOK_EVERY_MS = 60_000

export type HoldersFacts = {
  readonly docker: Docker
  readonly maker: Maker
  readonly log: Log
  readonly starts: Turnstile
  readonly calm: Calm
  readonly runtime: 'crun' | null
  readonly image: string
  readonly allowed: Allowances
  readonly warm: { readonly size: number; readonly idleMs: number }
}

/** The network namespaces of runs: closed against the engine's machine before anybody is in them, a few of them ahead of time. */
export class Holders implements AsyncDisposable {
  readonly #facts: HoldersFacts
  readonly #stock: Stock<Holder>
  readonly #living = new Set<Holder>()
  /** Addresses that the machine got since this runner began, by networks that it made. */
  readonly #later = new Set<string>()
  #machine: { readonly addresses: string[]; readonly at: number; readonly own: boolean } | null = null

  constructor(facts: HoldersFacts) {
    this.#facts = facts
    this.#stock = new Stock({
      ...facts.warm,
      make: (signal) => this.#ahead(signal),
      failed: (error) => facts.log.warn({ reason: wordsOf(error) }, 'holder.failed'),
    })
  }

  /** One on the network that all runs share; made now where none lies ready. */
  async take(signal: AbortSignal): Promise<Holder> {
    return this.#stock.take() ?? (await this.#make({ network: NETWORK, alias: null }, signal))
  }

  async #ahead(signal: AbortSignal): Promise<Holder> {
    using _turn = await this.#facts.calm.turn(signal)
    return this.#make({ network: NETWORK, alias: null }, signal)
  }

  /** One on a run's own network. */
  on(network: string, alias: string | null, signal: AbortSignal): Promise<Holder> {
    return this.#make({ network, alias }, signal)
  }

  get ready(): number {
    return this.#stock.ready
  }

  /** The machine has got another address: close it for those who run already. */
  async closeAlso(address: string): Promise<void> {
    const { allowed } = this.#facts
    this.#later.add(address)
    if (!wallsAround([address], allowed).closed.includes(address)) return
    await Promise.all([...this.#living].map((holder) => this.#closeIn(holder, address)))
  }

  async #closeIn(holder: Holder, address: string): Promise<void> {
    try {
      const exec = await holder.container.exec({ Cmd: ['/bin/sh', '-c', ONE_MORE, 'holder', address] })
      const stream = await exec.start({})
      stream.resume()
      await new Promise((resolve) => stream.once('close', resolve).once('end', resolve))
    } catch (error) {
      if (this.#living.has(holder)) throw error // else its run has just ended
    }
  }

  async #make(at: { network: string; alias: string | null }, signal: AbortSignal): Promise<Holder> {
    const { docker, maker, runtime, image, allowed, starts } = this.#facts
    using _turn = await starts.enter(signal)
    const walls = wallsAround(await this.#addresses(signal), allowed)
    const before = new Set(this.#later)
    const facts = { docker, image, maker, runtime, walls, ...at }
    const made = await prepareHolder(facts, signal).catch(async (error: unknown) => {
      if (!isStatus(error, 404) || at.network !== NETWORK) throw error
      await ensureNetwork(docker, signal) // someone removed the network since this runner started
      return prepareHolder(facts, signal)
    })
    const dispose = async () => {
      this.#living.delete(holder)
      await made[Symbol.asyncDispose]()
    }
    const holder: Holder = { ...made, [Symbol.asyncDispose]: dispose }
    this.#living.add(holder)
    // While it was made another network may have come, of which it was not told yet.
    const missed = [...this.#later].filter(
      (address) => !before.has(address) && !walls.closed.includes(address),
    )
    for (const address of missed) await this.#closeIn(holder, address)
    return holder
  }

  /** Read here where this process is on the engine's machine, which costs nothing; else asked for every now and then. */
  async #addresses(signal: AbortSignal): Promise<string[]> {
    if (this.#facts.allowed.all) return []
    const known = this.#machine
    if (known?.own) return ownAddresses()
    if (known && performance.now() - known.at < LOOK_EVERY_MS) return known.addresses
    const { docker, maker, runtime, image } = this.#facts
    const addresses = await addressesOfMachine({ docker, maker, runtime, image }, signal)
    const own = await ownAddresses().catch(() => []) // no Linux: the engine is on another machine, or in one
    const same = addresses.length > 0 && addresses.join() === own.join()
    this.#machine = { addresses, at: performance.now(), own: same }
    return addresses
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stock[Symbol.asyncDispose]()
  }
}
