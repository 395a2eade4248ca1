import { expect, test } from 'vitest'
import { hand, HELLO, work } from '../support/hand.ts'
import { hostedProject } from '../support/repository.ts'
import { startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

const FILE = `triggers: { push: ['**'], tag: 'v*' }
jobs:
  test:
    image: "ghcr.io/acme/$(src.branch):1"
    env: { SAYS: "$(src.message) of $(takt.lane)" }
    run: say hello
`

test('values of the commit stand in the image and the variables that a runner is given', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  const sha = await clone.push({ '.takt.yml': FILE }, { branch: 'fix/ui', message: `It's "done"\n\n$(rm)` })
  await using runner = await hand(house, HELLO)
  runner.say({ say: 'ready', slots: 1 })
  const { plan } = await until(() => work(runner.heard))
  expect(plan).toMatchObject({
    image: 'ghcr.io/acme/fix/ui:1',
    env: {
      SAYS: `It's "done"\n\n$(rm) of fix/ui`,
      SRC_SHA: sha,
      SRC_AUTHOR: 'Ann',
      TAKT_KIND: 'push',
    },
  })
})

test.each([
  ['refs/tags/v1', '`image` asks for $(src.branch), which this run has no value for'],
  ['refs/heads/Fix', '`image` became `ghcr.io/acme/Fix:1`, which is no image reference'],
])('a run on %s, of which no plan can be made, ends with the reason', async (ref, reason) => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await clone.commit({ '.takt.yml': FILE })
  await clone.git('push', '-q', 'origin', `HEAD:${ref}`)
  await using runner = await hand(house, HELLO)
  runner.say({ say: 'ready', slots: 1 })
  const run = await until(async () => {
    const { items } = (await house.ask('GET /api/v1/runs')).body
    return items[0]?.state === 'errored' && items[0]
  })
  expect(run.error.code).toBe('plan_impossible')
  expect(run.error.message).toContain(reason)
  expect(work(runner.heard)).toBeUndefined()
})
