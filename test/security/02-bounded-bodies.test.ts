import { createServer, type Server } from 'node:http'
import { type AddressInfo, createConnection } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { atMost, bodyWithin } from '../../server/http/guard.ts'
import { cutTheSilent } from '../../server/http/silence.ts'
import { deliveries, github, signed } from '../support/github.ts'
import { startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

test('a body over 25 MB is cut off while it is read', async () => {
  await using house = await startHouse()
  const { hostname, port } = new URL(house.url)
  const socket = createConnection({ host: hostname, port: Number(port) })
  socket.setMaxListeners(0)
  socket.write(
    'POST /hooks/github HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n',
  )
  let answer = ''
  socket.on('data', (words) => (answer += words.toString()))
  socket.on('error', () => {}) // the server may close on us in mid-sentence: that is the point
  const piece = Buffer.alloc(1024 * 1024, 0x20)
  for (let sent = 0; sent < 40 && answer === '' && !socket.destroyed; sent++) {
    socket.write('100000\r\n')
    socket.write(piece)
    await new Promise<void>((resolve) =>
      socket.write('\r\n') ? resolve() : socket.once('drain', resolve).once('close', resolve),
    )
    await new Promise(setImmediate)
  }
  await until(() => answer.includes('\r\n\r\n'))
  socket.destroy()
  expect(answer).toMatch(/^HTTP\/1.1 413 /)
  expect(await deliveries(house)).toEqual([])
})

test('a body that says that it is too large is not begun to be read', async () => {
  await using house = await startHouse()
  const body = Buffer.alloc(25 * 1024 * 1024 + 1, 0x20)
  expect(await github(house, body)).toMatchObject({ status: 413, body: { code: 'body-too-large' } })
  const wide = JSON.stringify({ name: 'x'.repeat(2 * 1024 * 1024) })
  expect((await house.ask('POST /api/v1/projects', wide)).status).toBe(413)
})

test.each(['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data; boundary=x', ''])(
  'a delivery of the type %j is refused, though it is signed',
  async (type) => {
    await using house = await startHouse()
    const answer = await github(house, '{}', { type, signature: signed('{}') })
    expect(answer).toMatchObject({ status: 415, body: { code: 'wrong-content-type' } })
  },
)

/** A server that hears whether a body came to its end. */
async function listening(server: Server) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}
const HEAD =
  'POST /hooks/x HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n'

test('a body that comes too slowly is cut off, however busily its bytes drip', async () => {
  const app = new Hono().post('/hooks/x', bodyWithin(300), atMost(2_000), async (c) =>
    c.text(await c.req.text()),
  )
  app.onError((_, c) => c.text('nobody hears this: the line is cut', 408))
  await using door = await listening(createAdaptorServer({ fetch: app.fetch }) as Server)
  const socket = createConnection(door.port, '127.0.0.1')
    .on('error', () => {})
    .resume()
  let closed = false
  socket.on('close', () => (closed = true))
  socket.write(HEAD)
  const drip = setInterval(() => socket.write(' '), 20)
  await until(() => closed)
  clearInterval(drip)
  const quick = await fetch(`http://127.0.0.1:${door.port}/hooks/x`, { method: 'POST', body: 'all at once' })
  expect(await quick.text()).toBe('all at once')
})

test('a connection on which nothing moves is cut off', async () => {
  const server = createServer((request) => void request.resume())
  cutTheSilent(server, 200)
  await using door = await listening(server)
  const socket = createConnection(door.port, '127.0.0.1')
    .on('error', () => {})
    .resume()
  let closed = false
  socket.on('close', () => (closed = true))
  socket.write(HEAD)
  await until(() => closed)
})
