import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { deliveries, github, pushOf } from '../support/github.ts'
import { startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

/** A git server that takes every call and never says a word. */
async function mute() {
  const callers = new Set<Socket>()
  const server = createServer((socket) => void callers.add(socket.on('error', () => {})))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/shop.git`,
    callers,
    async [Symbol.asyncDispose]() {
      for (const socket of callers) socket.destroy()
      server.close()
    },
  }
}

test('a delivery is stored and answered before anything is made of it, and outlives the server', async () => {
  await using git = await mute()
  await using house = await startHouse()
  await house.ask('POST /api/v1/projects', { name: 'shop', repository: { url: git.url } })
  const answer = await github(house, pushOf(git.url, 'a'.repeat(40)))
  expect(answer).toMatchObject({ status: 202, body: { delivery: 1 } })
  await until(() => git.callers.size > 0) // it is being looked at, and that does not end
  expect(await deliveries(house)).toMatchObject([{ id: 1, state: 'received' }])
  const before = git.callers.size
  await house.restart()
  await until(() => git.callers.size > before)
  expect(await deliveries(house)).toMatchObject([{ id: 1, state: 'received' }])
})
