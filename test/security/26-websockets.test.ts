import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocket } from 'ws'
import { expect, test } from 'vitest'
import { listen } from '../../server/events/listen.ts'
import { startFeed } from '../../server/live/feed.ts'
import { liveSockets, type MostSockets } from '../../server/live/socket.ts'
import { logHub } from '../../server/logs/hub.ts'
import { person } from '../support/people.ts'
import { type House, startHouse } from '../support/server.ts'

// Origin, size of messages and number of watches: test/server/live.test.ts; rights that change: test/server/organizations.test.ts.

/** The door to `/live` alone, beside the house's own one, with fewer seats. */
async function door(house: House, most: MostSockets) {
  const stack = new AsyncDisposableStack()
  const hints = stack.use(listen(house.databaseUrl))
  await hints.ready
  const feed = stack.use(await startFeed(house.db, hints))
  const http = createServer()
  stack.defer(() => void http.close())
  const live = stack.use(liveSockets({ db: house.db, hub: logHub(), feed, publicUrl: () => house.url, most }))
  http.on('upgrade', (...request) => live.upgrade(...request))
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}`
  const sockets: WebSocket[] = []
  stack.defer(() => sockets.forEach((socket) => socket.terminate()))
  /** Whether a socket is let in, and the socket. */
  const dial = (token: string) =>
    new Promise<WebSocket | string>((resolve) => {
      const socket = new WebSocket(`${url}/live`, { headers: { authorization: `Bearer ${token}` } })
      sockets.push(socket)
      socket.once('open', () => resolve(socket)).once('error', (error) => resolve(error.message))
    })
  return { dial, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

test('one person has so many connections at a time, all together so many, and one that closes makes room', async () => {
  await using house = await startHouse()
  const { token: ann } = await person(house, 'ann')
  await using at = await door(house, { each: 2, nobody: 1, all: 3 })
  const [first] = [await at.dial(ann), await at.dial(ann)]
  expect(await at.dial(ann)).toContain('429')
  expect(await at.dial(house.token)).toBeInstanceOf(WebSocket)
  expect(await at.dial(house.token)).toContain('429')
  const socket = first as WebSocket
  socket.close()
  await once(socket, 'close')
  expect(await at.dial(ann)).toBeInstanceOf(WebSocket)
})

test('who says too much is hung up on', async () => {
  await using house = await startHouse()
  const socket = new WebSocket(`${house.url.replace('http', 'ws')}/live`, {
    headers: { authorization: `Bearer ${house.token}` },
  })
  await once(socket, 'open')
  for (let at = 0; at < 700; at++) socket.send(JSON.stringify({ say: 'unwatch', watch: 1 }))
  const [code] = await once(socket, 'close')
  expect(code).toBe(1008)
})
