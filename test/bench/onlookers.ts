import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { DashboardSays } from '#pipelines/wire/live.ts'
import type { Asked, Told } from './onlookers-process.ts'

/** People who look on, in a process of their own: what they take of the machine is not the server's to pay. */
export type Onlookers = AsyncDisposable & {
  readonly pid: number
  count(): Promise<Told>
}
type Wanted = {
  /** A WebSocket's address. */
  readonly address: string
  /** API tokens; an empty one shows nothing. */
  readonly secrets: readonly string[]
  /** Sockets of each token. */
  readonly each: number
  readonly says: readonly (readonly DashboardSays[])[]
}

/** @returns When all of them have dialled and said what they watch. */
export async function startOnlookers(wanted: Wanted): Promise<Onlookers> {
  const child = fork(new URL('./onlookers-process.ts', import.meta.url))
  const ask = async (asked: Asked): Promise<Told> => {
    child.send(asked)
    const [told] = await once(child, 'message')
    return told
  }
  const { open } = await ask({ ask: 'open', ...wanted })
  const all = wanted.secrets.length * wanted.each
  if (open !== all) throw new Error(`of ${all} sockets only ${open} are open`)
  return {
    pid: child.pid ?? 0,
    count: () => ask({ ask: 'count' }),
    async [Symbol.asyncDispose]() {
      child.kill()
      await once(child, 'exit')
    },
  }
}
