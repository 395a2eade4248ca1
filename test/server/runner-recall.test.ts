import { once } from 'node:events'
import { test } from 'vitest'
import { WebSocket } from 'ws'
import { hand, HELLO } from '../support/hand.ts'
import { startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

test('runners that call again while the server goes down do not hold it up', async () => {
  await using house = await startHouse()
  await using stack = new AsyncDisposableStack()
  const address = `${house.url.replace('http', 'ws')}/runner`
  const headers = { authorization: `Bearer ${house.runnerToken}` }
  const again: Promise<unknown>[] = []
  for (let at = 0; at < 12; at++) {
    const runner = stack.use(await hand(house, { ...HELLO, name: `runner-${at}` }))
    void runner.closed.then(() => {
      const second = new WebSocket(address, { headers })
      stack.defer(() => second.terminate())
      again.push(once(second, 'error'))
    })
  }
  await house.restart()
  await until(() => again.length === 12)
})
