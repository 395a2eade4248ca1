import type Docker from 'dockerode'
import type { Log } from '../log.ts'
import { orAbort } from '../stop.ts'
import type { Turnstile } from '../turnstile.ts'
import { type Allowances, ownAddresses, type Walls, wallsAround } from './addresses.ts'
import { EngineError } from '../engine.ts'
import type { Calm } from './calm.ts'
import { textOf } from './demux.ts'
import { type Holder, prepareHolder } from './holder.ts'
import { ensureHolderImage } from './holder-image.ts'
import type { Images } from './images.ts'
import type { Maker } from './labels.ts'
import { isRunning } from './life.ts'
import { addressesOfMachine } from './look.ts'
import { ensureNetwork, NETWORK } from './network.ts'
import { isStatus, wordsOf } from './refusal.ts'
import type { Remains } from './remains.ts'
import { Stock } from './stock.ts'
import { ONE_MORE, READY } from './wall.ts'

/** How old the knowledge of another machine's addresses may be. */
const LOOK_EVERY_MS = 60_000
const MOST_BYTES = 2_000
/** Our image may have to be pulled. */
const RESTORED_MS = 120_000

export type HoldersFacts = {
  readonly docker: Docker
  readonly maker: Maker
  readonly log: Log
  readonly starts: Turnstile
  readonly calm: Calm
  readonly runtime: 'crun' | null
  /** What holders are made of. */
  readonly image: string
  /** Where that is had from once more, when somebody has removed it. */
  readonly images: Images
  readonly remains: Remains
  readonly allowed: Allowances
  readonly warm: { readonly size: number; readonly idleMs: number }
}

type At = { readonly network: string; readonly alias: string | null; readonly inside: string | null }

const SHARED: At = { network: NETWORK, alias: null, inside: null }

/** The network namespaces of runs: closed against the engine's machine before anybody is in them, a few of them ahead of time. */
export class Holders implements AsyncDisposable {
  readonly #facts: HoldersFacts
  readonly #stock: Stock<Holder>
  readonly #living = new Set<Holder>()
  /** Addresses that the machine got since this runner began, by networks that it made. */
  readonly #later = new Set<string>()
  #image: string
  /** All that miss something wait for the same making of it. */
  #restoring: Promise<void> | null = null
  #machine: { readonly addresses: string[]; readonly at: number; readonly own: boolean } | null = null

  constructor(facts: HoldersFacts) {
    this.#facts = facts
    this.#image = facts.image
    this.#stock = new Stock({
      ...facts.warm,
      make: (signal) => this.#ahead(signal),
      failed: (error) => facts.log.warn({ reason: wordsOf(error) }, 'holder.failed'),
    })
  }

  /** One on the network that all runs share; made now where none lies ready. */
  async take(signal: AbortSignal): Promise<Holder> {
    return this.#stock.take() ?? (await this.#make(SHARED, signal))
  }

  async #ahead(signal: AbortSignal): Promise<Holder> {
    using _turn = await this.#facts.calm.turn(signal)
    return this.#make(SHARED, signal)
  }

  /** One on a run's own network. */
  on(network: string, alias: string | null, signal: AbortSignal): Promise<Holder> {
    return this.#make({ network, alias, inside: null }, signal)
  }

  /** A gate on the network that all runs share, which opens into the network of the container `inside`. */
  gate(inside: string, signal: AbortSignal): Promise<Holder> {
    return this.#make({ ...SHARED, inside }, signal)
  }

  /** What our own small containers are made of. */
  get image(): string {
    return this.#image
  }

  get ready(): number {
    return this.#stock.ready
  }

  /** The machine has got another address: close it for those who run already. */
  async closeAlso(address: string): Promise<void> {
    this.#later.add(address)
    if (!this.#isClosed(address)) return
    await Promise.all([...this.#living].map((holder) => this.#closeIn(holder, address)))
  }

  #isClosed(address: string): boolean {
    return wallsAround([address], this.#facts.allowed).closed.includes(address)
  }

  /** @throws {EngineError} `engine_unavailable`, where containers could join it that reach the address. */
  async #closeIn(holder: Holder, address: string): Promise<void> {
    try {
      const Cmd = ['/bin/sh', '-c', ONE_MORE, 'holder', address]
      const exec = await holder.container.exec({ Cmd, AttachStdout: true, AttachStderr: true })
      const said = await textOf(await exec.start({}), MOST_BYTES)
      if (!said.includes(READY)) throw notClosed(address, said.trim() || 'no answer')
    } catch (error) {
      if (!this.#living.has(holder)) return // its run has just ended
      if (await isRunning(holder.container)) throw error // else it has ended: nobody joins it any more
    }
  }

  async #make(at: At, signal: AbortSignal): Promise<Holder> {
    using _turn = await this.#facts.starts.enter(signal)
    const addresses = await this.#addresses(signal)
    const walls = wallsAround([...addresses, ...this.#later], this.#facts.allowed)
    const made = await this.#whole(() => this.#prepare(walls, at, signal), signal)
    const dispose = async () => {
      this.#living.delete(holder)
      await made[Symbol.asyncDispose]()
    }
    const holder: Holder = {
      id: made.id,
      container: made.container,
      get gone() {
        return made.gone === true
      },
      [Symbol.asyncDispose]: dispose,
    }
    this.#living.add(holder)
    // While it was made another network may have come, of which it was not told yet.
    const missed = [...this.#later].filter((each) => this.#isClosed(each) && !walls.closed.includes(each))
    try {
      for (const address of missed) await this.#closeIn(holder, address)
    } catch (error) {
      await dispose()
      throw error
    }
    return holder
  }

  #prepare(walls: Walls, at: At, signal: AbortSignal): Promise<Holder> {
    const { docker, maker, runtime, remains } = this.#facts
    return prepareHolder({ docker, image: this.#image, maker, runtime, remains, walls, ...at }, signal)
  }

  /** Somebody who tidies the engine up removes our image, and the network that all runs share: then they are made once more. */
  async #whole<T>(make: () => Promise<T>, signal: AbortSignal): Promise<T> {
    try {
      return await make()
    } catch (error) {
      if (!isStatus(error, 404)) throw error
      await orAbort((this.#restoring ??= this.#restore().finally(() => (this.#restoring = null))), signal)
      return make()
    }
  }

  async #restore(): Promise<void> {
    const signal = AbortSignal.timeout(RESTORED_MS) // nobody's own: others wait for it too
    const { docker, images, log } = this.#facts
    const say = async (text: string) => log.info({ text: text.trim() }, 'holder.image')
    this.#image = await ensureHolderImage({ docker, images }, { signal, say })
    await ensureNetwork(docker, signal)
  }

  /** Read here where this process is on the engine's machine, which costs nothing; else asked for every now and then. */
  async #addresses(signal: AbortSignal): Promise<string[]> {
    if (this.#facts.allowed.all) return []
    const known = this.#machine
    if (known?.own) return ownAddresses()
    if (known && performance.now() - known.at < LOOK_EVERY_MS) return known.addresses
    const { docker, maker, runtime, remains } = this.#facts
    const look = () => addressesOfMachine({ docker, image: this.#image, maker, runtime, remains }, signal)
    const addresses = await this.#whole(look, signal)
    const own = await ownAddresses().catch(() => []) // no Linux: the engine is on another machine, or in one
    const same = addresses.length > 0 && addresses.join() === own.join()
    this.#machine = { addresses, at: performance.now(), own: same }
    return addresses
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stock[Symbol.asyncDispose]()
  }
}

const notClosed = (address: string, said: string): EngineError =>
  new EngineError('engine_unavailable', `The address ${address} could not be closed for a run: ${said}`)
