import { afterAll, afterEach, expect, test } from 'vitest'
import { LiveLink, type LinkStatus } from '../../ui/lib/live-link.ts'
import { LogBook } from '../../ui/lib/log-book.ts'
import { until } from '../support/until.ts'
import { serveFake } from './fake-server.ts'
import { addLine, SHOP } from './fake-stories.ts'
import { FakeWorld } from './fake-world.ts'

const open = new AsyncDisposableStack()
const links: LiveLink[] = []
afterAll(() => open.disposeAsync())
afterEach(() => links.splice(0).forEach((link) => link.close()))

async function house() {
  const world = new FakeWorld()
  const shop = addLine(world, SHOP)
  const server = open.use(await serveFake(world))
  const statuses: LinkStatus[] = []
  const link = new LiveLink({
    dial: () => new WebSocket(`${server.url.replace('http', 'ws')}/live`),
    changed: (status) => statuses.push(status),
    chance: () => 0,
  })
  links.push(link)
  await until(() => statuses.at(-1) === 'live')
  return { world, shop, server, link, statuses }
}

test('events after the cursor are heard, and none before it', async () => {
  const { world, shop, link } = await house()
  world.addRun(shop, 'lint')
  const heard: number[] = []
  link.watch({
    topic: { of: 'all' },
    after: world.cursor,
    heard: (_, cursor) => heard.push(cursor),
    behind: () => undefined,
    refused: () => undefined,
  })
  world.addRun(shop, 'build')
  await until(() => heard.length === 1)
  expect(heard).toEqual([2])
})

test('after a cut it watches again from the last cursor, and misses nothing', async () => {
  const { world, shop, server, link, statuses } = await house()
  const heard: number[] = []
  link.watch({
    topic: { of: 'all' },
    after: 0,
    heard: (_, cursor) => heard.push(cursor),
    behind: () => undefined,
    refused: () => undefined,
  })
  world.addRun(shop, 'lint')
  await until(() => heard.length === 1)
  server.bar(true)
  server.cut()
  await until(() => statuses.at(-1) === 'lost')
  for (let at = 0; at < 5; at++) world.addRun(shop, 'lint')
  server.bar(false)
  await until(() => heard.length >= 6)
  world.addRun(shop, 'lint')
  await until(() => heard.length >= 7)
  expect(heard).toEqual([1, 2, 3, 4, 5, 6, 7])
  expect(server.said.findLast((says) => says.say === 'watch')).toMatchObject({ after: 1 })
})

test('a topic is watched once, however many follow it, and each hears what came after its own cursor', async () => {
  const { world, shop, server, link } = await house()
  const heard: Record<string, number[]> = { first: [], second: [], third: [] }
  const follow = (name: string, after: number) =>
    link.watch({
      topic: { of: 'all' },
      after,
      heard: (_, cursor) => heard[name]?.push(cursor),
      behind: () => undefined,
      refused: () => undefined,
    })
  const leave = follow('first', 0)
  follow('second', 1)
  for (let at = 0; at < 3; at++) world.addRun(shop, 'lint')
  await until(() => heard['first']?.length === 3 && heard['second']?.length === 2)
  expect(server.said.filter(({ say }) => say === 'watch')).toHaveLength(1)
  // It took its snapshot before the others heard of the second: that is told again.
  follow('third', 1)
  leave()
  world.addRun(shop, 'lint')
  await until(() => heard['third']?.length === 3)
  expect(heard).toEqual({ first: [1, 2, 3], second: [2, 3, 4], third: [2, 3, 4] })
})

test('who follows a topic that the server has let go of asks for it anew', async () => {
  const { world, shop, server, link } = await house()
  const refused: string[] = []
  const heard: number[] = []
  const follow = () =>
    link.watch({
      topic: { of: 'all' },
      after: world.cursor,
      heard: (_, cursor) => heard.push(cursor),
      behind: () => undefined,
      refused: (reason) => refused.push(reason),
    })
  server.refuse('not for you')
  follow()
  await until(() => refused.length === 1)
  server.refuse(null)
  follow()
  world.addRun(shop, 'lint')
  await until(() => heard.length === 2)
  expect(heard).toEqual([1, 1])
  expect(refused).toEqual(['not for you'])
})

test('after a cut it tails again from the first byte it lacks: no line is missing, none is double', async () => {
  const { world, shop, server, link, statuses } = await house()
  const run = world.addRun(shop, 'lint')
  const log = new LogBook()
  let hasEnded = false
  link.tail({
    run: run.id,
    position: () => log.position,
    piece: (piece) => log.add(piece),
    ended: () => (hasEnded = true),
    refused: () => undefined,
  })
  world.print(run, { step: 1, text: 'line 0\nli' })
  await until(() => log.total === 2)
  for (let round = 1; round <= 4; round++) {
    server.cut()
    await until(() => statuses.at(-1) === 'lost')
    world.print(run, { step: 1, text: `ne ${round}\nli` })
    await until(() => statuses.at(-1) === 'live')
  }
  world.print(run, { step: 1, text: 'ne 5\n' })
  world.move(run, 'running')
  world.move(run, 'succeeded')
  await until(() => hasEnded)
  const said = Array.from({ length: log.linesOf(1) }, (_, at) => log.at(1, at)?.text)
  expect(said).toEqual([0, 1, 2, 3, 4, 5].map((at) => `line ${at}`))
})

test('a reader that left is not asked for again', async () => {
  const { server, link, statuses } = await house()
  const stop = link.watch({
    topic: { of: 'all' },
    after: 0,
    heard: () => undefined,
    behind: () => undefined,
    refused: () => undefined,
  })
  stop()
  await until(() => server.said.at(-1)?.say === 'unwatch')
  const before = server.said.length
  server.cut()
  await until(() => statuses.at(-1) === 'lost')
  await until(() => statuses.at(-1) === 'live')
  expect(server.said.length).toBe(before)
})

test('a closed link does not dial again', async () => {
  const { server, link } = await house()
  link.close()
  await until(() => server.connections() === 0)
  expect(server.connections()).toBe(0)
})
