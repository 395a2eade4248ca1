import { expect, test } from 'vitest'
import { hostedProject } from '../support/repository.ts'
import { startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'
import { watcher } from '../support/watcher.ts'

const FILE = { '.takt.yml': 'jobs: { a: { run: say a } }' }

test('who follows from a cursor behind which nothing is kept any more hears what comes', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await house.db.deleteFrom('events').execute()
  await using eye = await watcher(house)
  eye.say({ say: 'watch', watch: 1, topic: { of: 'all' }, after: 0 })
  await clone.push(FILE)
  await until(() => eye.heard.some((said) => said.say === 'event' && said.event.kind === 'run.moved'))
})

test('what was told of late is told again without the database, word for word', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await using first = await watcher(house)
  first.say({ say: 'watch', watch: 1, topic: { of: 'all' }, after: 0 })
  await clone.push(FILE)
  await until(() => first.heard.some((said) => said.say === 'event' && said.event.kind === 'run.moved'))
  await house.db.deleteFrom('events').execute()
  await using second = await watcher(house)
  second.say({ say: 'watch', watch: 1, topic: { of: 'project', project: 'shop' }, after: 0 })
  const moved = await until(() =>
    second.heard.find((said) => said.say === 'event' && said.event.kind === 'run.moved'),
  )
  expect(first.heard).toContainEqual(moved)
})
