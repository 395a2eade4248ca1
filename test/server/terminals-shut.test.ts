import { expect, test } from 'vitest'
import { withWork } from '../support/hand.ts'
import { person } from '../support/people.ts'
import { startHouse } from '../support/server.ts'
import { OPEN, ordered, visitor } from '../support/terminal-visitor.ts'
import { until } from '../support/until.ts'

test('the terminals of somebody who is disabled close at once', async () => {
  await using house = await startHouse()
  const { runner } = await withWork(house)
  await using _ = runner
  const ann = await person(house, 'ann', { role: 'maintainer' })
  await using guest = await visitor(house, { authorization: `Bearer ${ann.token}` })
  guest.say(OPEN)
  const { terminal } = await ordered(runner, 'terminal.open')
  runner.say({ say: 'terminal.opened', terminal })
  await until(() => guest.heard.some(({ say }) => say === 'opened'))
  expect((await house.ask('POST /api/v1/users/ann/disable')).status).toBeLessThan(300)
  // Well before the look that is taken now and then.
  await until(() => guest.heard.some(({ say }) => say === 'closed'))
  await ordered(runner, 'terminal.close')
  expect((await house.ask('GET /api/v1/runs/1/terminals')).body.items[0]).toMatchObject({
    reason: 'the session has ended, or may do less than before',
  })
})

test('one person has so many connections to terminals at a time', async () => {
  await using house = await startHouse()
  await using stack = new AsyncDisposableStack()
  for (let at = 0; at < 30; at++) stack.use(await visitor(house))
  await expect(visitor(house)).rejects.toThrow('429')
})
