import { randomBytes } from 'node:crypto'
import type Docker from 'dockerode'
import type { Log } from '../log.ts'
import type { Calm } from './calm.ts'
import { labelsOf, type Maker } from './labels.ts'
import { isStatus, wordsOf } from './refusal.ts'
import type { Remains } from './remains.ts'
import { Stock, type Stocked } from './stock.ts'

/** A network on which the containers of one run reach each other. */
export type RunNetwork = Stocked & { readonly name: string }

export type NetworksFacts = {
  readonly docker: Docker
  readonly maker: Maker
  readonly calm: Calm
  readonly log: Log
  readonly remains: Remains
  readonly warm: { readonly size: number; readonly idleMs: number }
  /** A new network is a new address of the engine's machine. */
  readonly made: (gateway: string) => Promise<void>
}

/** Networks for runs with services: one run each, and some ahead of time, because making one takes longer than a container. */
export function networkStock(facts: NetworksFacts): Stock<RunNetwork> {
  const { warm, log } = facts
  const failed = (error: unknown) => log.warn({ reason: wordsOf(error) }, 'network.failed')
  const make = async (signal: AbortSignal) => {
    using _turn = await facts.calm.turn(signal)
    return makeNetwork(facts)
  }
  return new Stock({ ...warm, make, failed })
}

/** One that lies ready, else a new one. Those that somebody has removed while they lay there (a prune does) are passed over. */
export async function takeNetwork(stock: Stock<RunNetwork>, facts: NetworksFacts): Promise<RunNetwork> {
  for (let found = stock.take(); found; found = stock.take()) {
    if (await isThere(facts.docker, found.name)) return found
    await found[Symbol.asyncDispose]()
  }
  return makeNetwork(facts)
}

async function isThere(docker: Docker, name: string): Promise<boolean> {
  try {
    await docker.getNetwork(name).inspect()
    return true
  } catch (error) {
    if (isStatus(error, 404)) return false
    throw error
  }
}

export async function makeNetwork({ docker, maker, made, remains }: NetworksFacts): Promise<RunNetwork> {
  const name = `takt-${randomBytes(6).toString('hex')}`
  const dispose = () => remains.network(name)
  try {
    const network = await docker.createNetwork({
      Name: name,
      Driver: 'bridge',
      CheckDuplicate: true,
      EnableIPv6: false,
      Labels: labelsOf(maker, 'network'),
    })
    const { IPAM } = await network.inspect()
    for (const { Gateway } of IPAM?.Config ?? []) if (Gateway) await made(Gateway)
    return { name, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose() // also where the engine went away before it said that it had made one
    throw error
  }
}
