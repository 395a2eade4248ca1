import { expect, test } from 'vitest'
import { publicGit } from '../support/public-git.ts'
import { startHouse } from '../support/server.ts'
import { line, orderOf, told, ZERO } from '../support/told.ts'

const FILE = { '.takt.yml': 'jobs: { test: { run: say x } }' }

// How the order is found in every case stands in test/server/lanes-order.test.ts.
test('an old push that is told late, or held back and sent on, does not become the newest version', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const tell = await told(house, git)
  const [a, b, c] = [
    await git.clone.push({ ...FILE, n: '1' }),
    await git.clone.push({ ...FILE, n: '2' }),
    await git.clone.push({ ...FILE, n: '3' }),
  ]
  await tell(b, c)
  await tell(ZERO, a)
  await tell(a, b)
  expect(await orderOf(house, { [a]: 'a', [b]: 'b', [c]: 'c' })).toEqual(['a', 'b', 'c'])
  expect((await line(house)).resources[0].newest.name).toBe(c)
})
