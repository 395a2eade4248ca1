import { once } from 'node:events'
import { WebSocket } from 'ws'
import { type HostSays } from '#pipelines/wire/terminal.ts'
import type { ServerSays } from '#pipelines/wire/runner.ts'
import type { Hand } from './hand.ts'
import type { House } from './server.ts'
import { until } from './until.ts'

export const SIZE = { columns: 80, rows: 24 }
export const OPEN = { say: 'open', run: 1, image: null, command: [], ...SIZE }

export type Visitor = AsyncDisposable & {
  readonly heard: HostSays[]
  readonly screen: () => string
  readonly closed: Promise<number>
  say(word: unknown): void
  type(keys: string | Uint8Array): void
}

export async function visitor(
  house: House,
  headers: Record<string, string> = { authorization: `Bearer ${house.token}` },
): Promise<Visitor> {
  const socket = new WebSocket(`${house.url.replace('http', 'ws')}/terminal`, { headers })
  const heard: HostSays[] = []
  const shown: Buffer[] = []
  socket.on('message', (frame: Buffer, binary) =>
    binary ? shown.push(frame) : heard.push(JSON.parse(frame.toString())),
  )
  const closed = new Promise<number>((resolve) => socket.on('close', resolve))
  await once(socket, 'open')
  return {
    heard,
    closed,
    screen: () => Buffer.concat(shown).toString(),
    say: (word) => socket.send(JSON.stringify(word)),
    type: (keys) => socket.send(typeof keys === 'string' ? Buffer.from(keys) : keys),
    async [Symbol.asyncDispose]() {
      socket.terminate()
      await closed
    },
  }
}

export type Order = Extract<ServerSays, { say: `terminal.${string}` | 'release' }>
export const orders = (runner: Hand) =>
  runner.heard.filter((said): said is Order => said.say.startsWith('terminal.') || said.say === 'release')
export const ordered = <Say extends Order['say']>(runner: Hand, say: Say) =>
  until(() => orders(runner).find((each): each is Extract<Order, { say: Say }> => each.say === say))
