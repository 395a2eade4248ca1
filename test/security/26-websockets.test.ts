import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocket } from 'ws'
import { expect, test } from 'vitest'
import { listen } from '../../server/events/listen.ts'
import { startFeed } from '../../server/live/feed.ts'
import type { MostSockets } from '../../server/http/seats.ts'
import { liveSockets } from '../../server/live/socket.ts'
import { runnerSockets } from '../../server/runners/socket.ts'
import { transact } from '../../server/db/transact.ts'
import { logHub } from '../../server/logs/hub.ts'
import { person } from '../support/people.ts'
import { type House, startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

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

type Said = { readonly say: string; readonly cursor: number; readonly event?: { readonly project: string } }

test('who reads slowly is cut off with the place where to go on, and misses nothing from there', async () => {
  await using house = await startHouse()
  const dial = async () => {
    const socket = new WebSocket(`${house.url.replace('http', 'ws')}/live`, {
      headers: { authorization: `Bearer ${house.token}` },
    })
    const heard: Said[] = []
    socket.on('message', (words: Buffer) => heard.push(JSON.parse(words.toString())))
    await once(socket, 'open')
    const watch = (watch: number, after: number) =>
      socket.send(JSON.stringify({ say: 'watch', watch, topic: { of: 'all' }, after }))
    return { socket, heard, watch, [Symbol.dispose]: () => socket.terminate() }
  }
  /** More at a time than a socket’s buffers on the way take. */
  const tell = async (batch: number) => {
    await transact(house.db, async (tx) => {
      for (let at = 0; at < 10; at++) {
        const project = `${batch}-${at} ${'x'.repeat(100_000)}`
        tx.emit({ kind: 'run.progressed', project, pipeline: 'main', run: 1 as never })
      }
    })
  }
  const told = (heard: readonly Said[]) =>
    heard.flatMap(({ event }) => (event?.project ? [event.project.split(' ')[0]] : []))
  using slow = await dial()
  using quick = await dial()
  slow.watch(1, 0)
  quick.watch(1, 0)
  await tell(0)
  await until(() => told(slow.heard).length === 10)
  slow.socket.pause()
  for (let batch = 1; batch < 20; batch++) {
    await tell(batch)
    await until(() => told(quick.heard).length === (batch + 1) * 10)
  }
  slow.socket.resume()
  const behind = await until(() => slow.heard.find(({ say }) => say === 'behind'))
  const before = told(slow.heard)
  expect(before.length).toBeLessThan(200)
  slow.watch(2, behind.cursor)
  await until(() => told(slow.heard).length === 200)
  expect(told(slow.heard)).toEqual(told(quick.heard))
})

test('no more runners are let in than a server takes', async () => {
  await using house = await startHouse()
  const answers: string[] = []
  const hints = { on: () => () => {} }
  await using runners = runnerSockets({ token: house.runnerToken, hints, most: 0 } as never)
  const socket = { end: (words: string) => answers.push(words) }
  const headers = { authorization: `Bearer ${house.runnerToken}` }
  runners.upgrade({ headers } as never, socket as never, Buffer.alloc(0))
  expect(answers.join()).toMatch(/^HTTP\/1\.1 503 .*0 runners are connected/s)
})
