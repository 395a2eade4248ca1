import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { giveBack, packedPiece } from '../../server/logs/piece.ts'
import { Reads } from '../../server/runners/reads.ts'
import { until } from '../support/until.ts'

/** From a mark that is part of one read to a log that is part of many, and whatever lies between. */
const SIZES = [40, 3_000, 70_000, 260_000, 9_000, 20_000, 60_000, 65_536, 1, 131_072, 33_000, 500_000]

test('What a runner said stays as it was while the reads it came in are given back', async () => {
  await using line = await heardOver()
  const sent = Array.from({ length: 240 }, (_, at) => randomBytes(SIZES[at % SIZES.length] ?? 0))
  for (const message of sent) {
    if (message.length > 100_000) line.client.send(message.subarray(0, 30_000), { fin: false })
    line.client.send(message.length > 100_000 ? message.subarray(30_000) : message)
  }
  await until(() => line.heard.length === sent.length)
  expect(line.heard.map(sum)).toEqual(sent.map(sum))
})

test('The memory of a flood is given back as it is heard, all but that of the last read', async () => {
  await using line = await heardOver()
  for (let at = 0; at < 40; at++) line.client.send(randomBytes(250_000))
  await until(() => line.heard.length === 40)
  const held = line.reads.reduce((bytes, { length }) => bytes + length, 0)
  expect(held).toBeLessThan(200_000)
})

test('A long piece is given back when it is written down, whatever its length, and no other with it', async () => {
  await using line = await heardOver()
  const sent = [40_000, 900, 62_000, 20_000, 65_537, 120, 65_536, 250_000].map((size) => randomBytes(size))
  for (const message of sent) line.client.send(message)
  await until(() => line.heard.length === sent.length)
  const piece = (stored: Buffer) => packedPiece(stored, { bytes: stored.length, lines: 0, open: true })
  for (const [at, message] of line.heard.entries()) {
    giveBack([piece(message.subarray(Math.min(60, message.length)))])
    expect(line.heard.slice(at + 1).map(sum)).toEqual(sent.slice(at + 1).map(sum))
  }
  expect(sent.filter((_, at) => line.heard[at]?.buffer.byteLength === 0).map(({ length }) => length)).toEqual(
    [40_000, 62_000, 65_537, 250_000],
  )
})

const sum = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** A client of a real socket, and what is heard of it. */
async function heardOver() {
  const http = createServer()
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  const heard: Buffer[] = []
  const reads: Buffer[] = []
  http.on('upgrade', (request, socket: Duplex, head) =>
    server.handleUpgrade(request, socket, head, (ws) => {
      const kept = new Reads(socket)
      socket.on('data', (read: Buffer) => reads.push(read))
      ws.on('message', (message: Buffer) => heard.push(kept.keep(message)))
    }),
  )
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const client = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`, {
    perMessageDeflate: false,
  })
  await once(client, 'open')
  return {
    client,
    heard,
    reads,
    async [Symbol.asyncDispose]() {
      client.terminate()
      server.close()
      http.close()
      await once(http, 'close')
    },
  }
}
