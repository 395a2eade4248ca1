import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import type { LiveSays } from '#pipelines/wire/live.ts'
import { listen } from '../../server/events/listen.ts'
import { startFeed } from '../../server/live/feed.ts'
import { liveSockets } from '../../server/live/socket.ts'
import { logHub } from '../../server/logs/hub.ts'
import { spokenLog } from '../support/spoken-log.ts'
import { type House, startHouse } from '../support/server.ts'
import { hostedProject } from '../support/repository.ts'
import { startRunner } from '../support/runner.ts'
import { until } from '../support/until.ts'
import { watcher } from '../support/watcher.ts'

const logOf = (heard: readonly LiveSays[]) => heard.flatMap((said) => (said.say === 'log' ? [said] : []))
/** The first bytes that were not heard yet, of each step. */
const endsOf = (heard: readonly LiveSays[]) => logOf(heard).map(({ step, end }) => [step, end])
const ended = (heard: readonly LiveSays[]) => heard.some((said) => said.say === 'log.ended')

test('who watches from a snapshot’s cursor misses nothing and hears nothing twice', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  const snapshot = await house.ask('GET /api/v1/runs')
  const after = Number(snapshot.headers.get('takt-cursor'))
  await clone.push({ '.takt.yml': 'jobs: { a: { run: say a }, b: { needs: a, run: say b } }' })
  await using _runner = await startRunner(house)
  await until(async () => (await house.ask('GET /api/v1/runs?state=succeeded')).body.items.length === 2)
  await using late = await watcher(house)
  late.say({ say: 'watch', watch: 1, topic: { of: 'all' }, after })
  const moves = await until(() => {
    const told = late.heard.flatMap((said) =>
      said.say === 'event' && said.event.kind === 'run.moved' ? [`${said.event.job} ${said.event.to}`] : [],
    )
    return told.length >= 6 && told
  })
  expect(moves.toSorted()).toEqual([
    'a queued',
    'a running',
    'a succeeded',
    'b queued',
    'b running',
    'b succeeded',
  ])
  const cursors = late.heard.flatMap((said) => (said.say === 'event' ? [said.cursor] : []))
  expect(cursors).toEqual([...new Set(cursors)].toSorted((a, b) => a - b))
})

test('a topic brings its own events only', async () => {
  await using house = await startHouse()
  await using shop = await hostedProject(house, 'shop')
  await using other = await hostedProject(house, 'other')
  await using eye = await watcher(house)
  eye.say({ say: 'watch', watch: 1, topic: { of: 'project', project: 'shop' }, after: 0 })
  eye.say({ say: 'watch', watch: 2, topic: { of: 'run', run: 2 }, after: 0 })
  await other.push({ '.takt.yml': 'jobs: { a: { run: say a } }' })
  await shop.push({ '.takt.yml': 'jobs: { a: { run: say a } }' })
  await until(() =>
    eye.heard.some(
      (said) => said.say === 'event' && said.event.kind === 'run.moved' && said.event.project === 'shop',
    ),
  )
  const projects = eye.heard.flatMap((said) =>
    said.say === 'event' && said.watch === 1 && 'project' in said.event ? [said.event.project] : [],
  )
  expect(new Set(projects)).toEqual(new Set(['shop']))
})

test('a log is told live, and a reader who comes back goes on at the byte where it was', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await using _runner = await startRunner(house)
  await clone.push({
    '.takt.yml': 'jobs: { a: { run: [say grüße, sleep 300, say two, sleep 300, say three] } }',
  })
  await until(async () => (await house.ask('GET /api/v1/runs/1')).body?.state === 'running')
  await using first = await watcher(house)
  first.say({ say: 'tail', watch: 1, run: 1, from: null })
  const piece = await until(() => logOf(first.heard).find((said) => said.text.includes('grüße')))
  await first[Symbol.asyncDispose]()

  await using second = await watcher(house)
  second.say({
    say: 'tail',
    watch: 7,
    run: 1,
    from: {
      attempt: piece.attempt,
      ends: [...endsOf(first.heard), [piece.step, piece.end - 'ße\n'.length - 1]],
    },
  })
  await until(() => ended(second.heard))
  const rest = logOf(second.heard)
  expect(rest.map((said) => said.text).join('')).toBe('ße\ntwo\nthree\n')
  expect(rest[0]).toMatchObject({ offset: piece.end - 4, step: 1 })
  for (const [index, said] of rest.entries())
    expect(said.offset).toBe(index === 0 ? piece.end - 4 : rest[index - 1]!.end)
})

test('who reads a log slowly is sent no more than is on its way, keeps nobody waiting, and goes on where he was', async () => {
  await using log = await spokenLog(['begin\n'])
  await using slow = await watcher(log.house)
  await using quick = await watcher(log.house)
  slow.say({ say: 'tail', watch: 1, run: log.run, from: null })
  quick.say({ say: 'tail', watch: 1, run: log.run, from: null })
  await until(() => logOf(slow.heard).length === 1 && logOf(quick.heard).length === 1)
  slow.socket.pause()
  for (let piece = 0; piece < 100; piece++) await log.say(0, `${piece} ${'x'.repeat(250_000)}\n`)
  const bytesOf = (heard: readonly LiveSays[]) => logOf(heard).at(-1)?.end ?? 0
  await until(() => bytesOf(quick.heard) > 25_000_000)
  slow.socket.resume()
  await slow[Symbol.asyncDispose]()
  await slow.closed
  expect(bytesOf(slow.heard)).toBeLessThan(20_000_000)
  await using again = await watcher(log.house)
  const from = { attempt: 1, ends: endsOf(slow.heard).slice(-1) }
  again.say({ say: 'tail', watch: 1, run: log.run, from })
  await until(() => bytesOf(again.heard) === bytesOf(quick.heard))
  const texts = [...logOf(slow.heard), ...logOf(again.heard)].map(({ text }) => text).join('')
  expect(texts).toBe(
    logOf(quick.heard)
      .map(({ text }) => text)
      .join(''),
  )
})

test('steps that speak at the same time are all heard, in whatever order they do', async () => {
  await using log = await spokenLog(['a1\n'], ['b1\n'])
  await using eye = await watcher(log.house)
  eye.say({ say: 'tail', watch: 1, run: log.run, from: null })
  const heardOf = (step: number) =>
    logOf(eye.heard)
      .map((said) => (said.step === step ? said.text : ''))
      .join('')
  await until(() => heardOf(1) === 'b1\n')
  await log.say(0, 'a2\n')
  await until(() => heardOf(0) === 'a1\na2\n')
  await log.say(1, 'b2\n')
  await until(() => heardOf(1) === 'b1\nb2\n')
})

test('a finished run’s log is told whole and then ended', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await using _runner = await startRunner(house)
  await clone.push({ '.takt.yml': 'jobs: { a: { run: [say one, bytes 700000] } }' })
  await until(async () => (await house.ask('GET /api/v1/runs?state=succeeded')).body.items.length === 1)
  await using eye = await watcher(house)
  eye.say({ say: 'tail', watch: 1, run: 1, from: null })
  await until(() => ended(eye.heard))
  const whole = (await house.ask('GET /api/v1/runs/1/log')).text
  expect(
    logOf(eye.heard)
      .map((said) => said.text)
      .join(''),
  ).toBe(whole)
  expect(whole.length).toBeGreaterThan(700_000)
})

test('lines are read by number, across steps and chunks', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await using _runner = await startRunner(house)
  const says = Array.from({ length: 40 }, (_, index) => `say line ${index}`)
  await clone.push({ '.takt.yml': `jobs: { a: { run: [${says.join(', ')}] } }` })
  await until(async () => (await house.ask('GET /api/v1/runs?state=succeeded')).body.items.length === 1)
  const page = async (from: number, limit: number) =>
    (await house.ask(`GET /api/v1/runs/1/log?as=json&from=${from}&limit=${limit}`)).body
  const all = await page(0, 1_000)
  expect(all).toMatchObject({ from: 0, ended: true, total: all.lines.length })
  expect(all.lines.map((line: { text: string }) => `${line.text}\n`).join('')).toBe(
    (await house.ask('GET /api/v1/runs/1/log')).text,
  )
  expect(all.lines.map((line: { line: number }) => line.line)).toEqual(
    all.lines.map((_: unknown, index: number) => index),
  )
  for (const [from, limit] of [
    [0, 1],
    [3, 5],
    [all.total - 2, 10],
    [all.total, 5],
  ] as const) {
    expect((await page(from, limit)).lines).toEqual(all.lines.slice(from, from + limit))
  }
})

test.each([
  ['shows nothing', {}],
  ['shows a wrong token', { authorization: 'Bearer takt_wrong' }],
])('who %s is not let in', async (_, headers) => {
  await using house = await startHouse()
  await expect(watcher(house, headers)).rejects.toThrow('401')
})

test('a page of another origin is not let in, whatever its cookie', async () => {
  await using house = await startHouse()
  const session = await house.ask('POST /api/v1/session')
  const cookie = session.headers.get('set-cookie')!.split(';')[0]!
  await expect(watcher(house, { cookie, origin: 'https://evil.example' })).rejects.toThrow('403')
  await using ours = await watcher(house, { cookie, origin: house.url })
  expect(ours.heard).toEqual([])
})

test('what is not understood is refused in words, and the rest goes on', async () => {
  await using house = await startHouse()
  await using eye = await watcher(house)
  for (const nonsense of [
    7,
    { say: 'sudo' },
    { say: 'watch', watch: -1 },
    { say: 'tail', watch: 1, run: 'x' },
  ])
    eye.say(nonsense)
  await until(() => eye.heard.length === 4)
  expect(eye.heard.every((said) => said.say === 'refused')).toBe(true)
})

test('a message of unreasonable size ends the connection', async () => {
  await using house = await startHouse()
  await using eye = await watcher(house)
  eye.say('x'.repeat(100_000))
  expect(await eye.closed).toBe(1009)
})

test('only so many things can be watched over one connection', async () => {
  await using house = await startHouse()
  await using eye = await watcher(house)
  for (let watch = 0; watch < 101; watch++) eye.say({ say: 'watch', watch, topic: { of: 'all' }, after: 0 })
  expect(await until(() => eye.heard.find((said) => said.say === 'refused'))).toMatchObject({
    watch: 100,
    code: 'too-many-watches',
  })
})

test('a log that has ended makes room for another one', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await using _runner = await startRunner(house)
  await clone.push({ '.takt.yml': 'jobs: { a: { run: say one } }' })
  await until(async () => (await house.ask('GET /api/v1/runs?state=succeeded')).body.items.length === 1)
  await using eye = await watcher(house)
  for (let watch = 0; watch < 110; watch++) {
    eye.say({ say: 'tail', watch, run: 1, from: null })
    await until(() => eye.heard.some((said) => said.say === 'log.ended' && said.watch === watch))
  }
  expect(eye.heard.filter((said) => said.say === 'refused')).toEqual([])
})

test('a watch that was replaced while it caught up is not heard of again', async () => {
  await using house = await startHouse()
  for (let count = 0; count < 20; count++) await house.ask('POST /api/v1/projects', { name: `x${count}` })
  await using eye = await watcher(house)
  eye.say({ say: 'watch', watch: 1, topic: { of: 'all' }, after: 0 })
  eye.say({ say: 'watch', watch: 1, topic: { of: 'run', run: 99 }, after: 0 })
  eye.say({ say: 'watch', watch: 2, topic: { of: 'all' }, after: 0 })
  await until(() => eye.heard.length >= 20)
  expect(new Set(eye.heard.map((said) => said.watch))).toEqual(new Set([2]))
})

/** The door to `/live` alone, beside the house's own one, with somebody who looks more often who is in. */
async function door(house: House) {
  const stack = new AsyncDisposableStack()
  const hints = stack.use(listen(house.databaseUrl))
  await hints.ready
  const feed = stack.use(await startFeed(house.db, hints))
  const http = createServer()
  stack.defer(() => void http.close())
  const publicUrl = () => house.url
  const live = stack.use(liveSockets({ db: house.db, hub: logHub(), feed, publicUrl, recheckMs: 20 }))
  http.on('upgrade', (...request) => live.upgrade(...request))
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  return { url, token: house.token, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

test('who watches stays as long as the session lasts, and no longer', async () => {
  await using house = await startHouse()
  await using live = await door(house)
  const session = await house.ask('POST /api/v1/session')
  const cookie = session.headers.get('set-cookie')!.split(';')[0]!
  await using byCookie = await watcher(live, { cookie })
  await using byToken = await watcher(live)
  await house.ask('DELETE /api/v1/session', undefined, { headers: { cookie }, as: null })
  expect(await byCookie.closed).toBe(4401)
  byToken.say({ say: 'watch', watch: 1, topic: { of: 'all' }, after: 0 })
  await house.ask('POST /api/v1/projects', { name: 'shop' })
  await until(() => byToken.heard.some((said) => said.say === 'event'))
  await house.db
    .updateTable('tokens')
    .set({ expires_at: new Date(0) })
    .execute()
  expect(await byToken.closed).toBe(4401)
})
