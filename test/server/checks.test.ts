import { describe, expect, test } from 'vitest'
import type { ServerSays } from '#pipelines/wire/runner.ts'
import { definitionOf } from '../../server/catalog/definitions.ts'
import { claimDue } from '../../server/checks/due.ts'
import { nextCheckMs } from '../../server/checks/settle.ts'
import { subscribe } from '../../server/checks/subscribe.ts'
import { transact } from '../../server/db/transact.ts'
import { type Hand, hand, HELLO } from '../support/hand.ts'
import type { House } from '../support/server.ts'
import { steeredLine } from '../support/steer.ts'
import { until } from '../support/until.ts'

type Order = Extract<ServerSays, { say: 'check' }>
const LINE = '/api/v1/projects/shop/pipelines/main/resources'
const FILE = `resource_types: { odd: { image: "example.org/odd:1", source: { host: h } } }
resources: { src: { git: . }, odd: { type: odd, source: { uri: u }, check: 1h } }
jobs:
  take: { get: odd, run: x }
  test: { get: src, run: x }
`
const CHECKER = { ...HELLO, name: 'checker', slots: 0, checks: 4 }
const orders = (checker: Hand) => checker.heard.filter((said): said is Order => said.say === 'check')
const answer = (checker: Hand, outcome: object, which = -1) => {
  const { check, lease } = orders(checker).at(which)!
  checker.say({ say: 'checked', check, lease, outcome })
}
const refs = (...names: string[]) => ({ versions: names.map((ref) => ({ ref })) })
const checkNow = (house: House, name = 'odd') => house.ask(`POST ${LINE}/${name}/check`)
const listed = async (house: House, name = 'odd') =>
  (await house.ask(`GET ${LINE}/${name}/versions`)).body.items.map((each: { name: string }) => each.name)
const standing = async (house: House, name = 'odd') => (await house.ask(`GET ${LINE}/${name}`)).body.check

/** The next check that the runner is asked for, when it has been asked for `count` in all. */
const asked = (checker: Hand, count: number) => until(() => orders(checker)[count - 1])

test('a runner is asked for the versions of what a job gets, and the newest of the first ones starts it', async () => {
  await using it = await steeredLine(FILE)
  await using checker = await hand(it.house, CHECKER)
  await it.push()
  expect(await asked(checker, 1)).toMatchObject({
    image: 'example.org/odd:1',
    source: { host: 'h', uri: 'u' },
    version: null,
  })
  answer(checker, refs('1', '2', '3'))
  await until(async () => (await it.runs('take')).length === 1)
  expect(await listed(it.house)).toEqual(['3', '2', '1'])
  expect((await it.runs('take')).map(({ lane, inputs }) => [lane, ...inputs])).toEqual([['main', 'odd 3']])
  expect(await standing(it.house)).toMatchObject({
    every_ms: 3_600_000,
    running: false,
    error: null,
    waits: null,
  })
})

/** A line whose `odd` has the versions 1, 2 and 3. */
async function known() {
  const stack = new AsyncDisposableStack()
  const it = stack.use(await steeredLine(FILE))
  const checker = stack.use(await hand(it.house, CHECKER))
  await it.push()
  await asked(checker, 1)
  answer(checker, refs('1', '2', '3'))
  await until(async () => (await it.runs('take')).length === 1)
  let count = 1
  /** Ask anew, and answer like this. @returns The version that the image was given. */
  const again = async (outcome: object) => {
    const before = (await standing(it.house)).checked_at
    await checkNow(it.house)
    const { version } = await asked(checker, ++count)
    answer(checker, outcome)
    await until(async () => (await standing(it.house)).checked_at !== before)
    return version
  }
  return { it, checker, again, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

test('an image is asked for what came after the newest version that it told', async () => {
  await using line = await known()
  expect(await line.again(refs('3', '4'))).toEqual({ ref: '3' })
  expect(await line.again({ versions: [] })).toEqual({ ref: '4' })
  expect(await line.again(refs('4'))).toEqual({ ref: '4' })
  expect(await listed(line.it.house)).toEqual(['4', '3', '2', '1'])
})

test('where nothing is new nothing moves; where one is, all that was told goes on top in its order', async () => {
  await using line = await known()
  await line.again(refs('3', '1'))
  expect(await listed(line.it.house)).toEqual(['3', '2', '1'])
  await line.again(refs('1', '4', '2'))
  expect(await listed(line.it.house)).toEqual(['2', '4', '1', '3'])
  const runs = await until(async () => (await line.it.runs('take')).length === 3 && line.it.runs('take'))
  expect(runs.map(({ inputs }) => inputs)).toEqual([['odd 3'], ['odd 4'], ['odd 2']])
})

test('versions of several keys are told apart whatever the order of their keys', async () => {
  await using line = await known()
  await line.again({ versions: [{ a: '1', b: '2' }] })
  await line.again({ versions: [{ b: '2', a: '1' }] })
  expect((await listed(line.it.house)).slice(0, 2)).toEqual(['{"a":"1","b":"2"}', '3'])
})

test('a check that fails says why, and is due again later each time', async () => {
  await using line = await known()
  const error = { code: 'check_failed', message: 'no route to the host h' }
  await line.again({ error })
  const first = await standing(line.it.house)
  expect(first).toMatchObject({ error, running: false })
  expect(Date.parse(first.next_at) - Date.parse(first.checked_at)).toBeLessThan(140_000)
  await line.again(refs('3'))
  expect(await standing(line.it.house)).toMatchObject({ error: null })
})

test('pauses double after failures, and what began together does not stay together', () => {
  const minutes = (everyMinutes: number, failures: number, chance = 0.5) =>
    nextCheckMs(everyMinutes * 60_000, failures, chance) / 60_000
  expect([0, 1, 2, 3, 20].map((failures) => minutes(1, failures))).toEqual([1, 2, 4, 8, 60])
  expect([0, 1, 2, 20].map((failures) => minutes(24 * 60, failures))).toEqual([1440, 2, 4, 1440])
  expect([minutes(10, 0, 0), minutes(10, 0, 1)]).toEqual([9, 11])
})

test('resources that ask the same are answered by one check', async () => {
  await using it =
    await steeredLine(`resource_types: { odd: { image: "example.org/odd:1", source: { a: 1, b: 2 } } }
resources: { one: { type: odd, check: 1h }, two: { type: odd, check: 2h, source: { b: 2 } }, three: { type: odd, source: { b: 3 } } }
jobs: { take: { get: [one, two], run: x } }
`)
  await using checker = await hand(it.house, CHECKER)
  await it.push()
  await asked(checker, 1)
  answer(checker, refs('1'))
  await until(async () => (await listed(it.house, 'two')).length === 1)
  expect(await listed(it.house, 'one')).toEqual(['1'])
  expect(orders(checker).length).toBe(1)
  expect(await standing(it.house, 'two')).toMatchObject({ every_ms: 3_600_000 })
  expect(await standing(it.house, 'three')).toBeNull()
  expect(await checkNow(it.house, 'three')).toMatchObject({ status: 409, body: { code: 'nothing-to-check' } })
})

test('what no job gets any more is not looked for', async () => {
  await using line = await known()
  const { it } = line
  await it.clone.push({ '.takt.yml': FILE.replace('get: odd, ', 'get: src, ') })
  await it.quiet()
  expect(await standing(it.house)).toBeNull()
  expect(await it.house.db.selectFrom('checks').select('id').execute()).toEqual([])
  await it.clone.push({ '.takt.yml': FILE })
  await it.quiet()
  expect((await asked(line.checker, 2)).version).toBeNull()
  answer(line.checker, refs('3'))
  await until(async () => (await standing(it.house)).running === false)
  expect(await listed(it.house)).toEqual(['3', '2', '1'])
})

test('a check goes on as often as those want it who are left, also where one only wants it less often', async () => {
  const file = (one: string, two: string) => `resource_types: { odd: { image: "example.org/odd:1" } }
resources: { one: { type: odd, check: ${one} }, two: { type: odd, check: ${two} } }
jobs: { take: { get: [two], run: x }, other: { get: GET, run: x } }
`
  await using it = await steeredLine('')
  const { db } = it.house
  const paces = async () => {
    await it.quiet()
    return (await db.selectFrom('checks').select('every_ms').execute()).map(
      ({ every_ms }) => every_ms / 60_000,
    )
  }
  const push = (text: string) => it.clone.push({ '.takt.yml': text })
  await push(file('1m', '1h').replace('GET', 'one'))
  expect(await paces()).toEqual([1])
  await push(file('5m', '1h').replace('GET', 'one'))
  expect(await paces()).toEqual([5])
  await push(file('5m', '1h').replace('GET', 'two'))
  expect(await paces()).toEqual([60])
})

test('two files that take each other’s checks at the same moment wait in no circle', async () => {
  const source = (n: string) => `resource_types: { odd: { image: "example.org/odd:1" } }
resources: { r: { type: odd, source: { n: ${n} } } }
jobs: { take: { get: r, run: x } }
`
  await using it = await steeredLine('')
  const { db } = it.house
  await it.clone.push({ '.takt/a.yml': source('x'), '.takt/b.yml': source('y') })
  await it.quiet()
  const lanes = await db.selectFrom('lanes').select(['id', 'pipeline_id']).orderBy('id').execute()
  const files = await Promise.all(lanes.map(async ({ id }) => (await definitionOf(db, id))!.definition))
  for (let round = 1; round <= 20; round++)
    await Promise.all(
      lanes.map(({ pipeline_id: pipelineId }, at) =>
        transact(db, (tx) =>
          subscribe(tx, { project: 'shop', pipelineId, definition: files[(at + round) % 2]! }),
        ),
      ),
    )
  const asked = await db
    .selectFrom('resources')
    .select('check_id')
    .where('check_id', 'is not', null)
    .execute()
  expect(new Set(asked.map(({ check_id }) => check_id)).size).toBe(2)
  expect(await db.selectFrom('checks').select('id').execute()).toHaveLength(2)
})

test('a check under way is nobody else’s, and another runner’s when its own is gone', async () => {
  await using it = await steeredLine(FILE)
  const first = await hand(it.house, CHECKER)
  await it.push()
  const { check, lease } = await asked(first, 1)
  await using second = await hand(it.house, { ...CHECKER, name: 'second' })
  expect(await standing(it.house)).toMatchObject({ running: true, next_at: null })
  expect(orders(second)).toEqual([])
  await first[Symbol.asyncDispose]()
  await asked(second, 1)
  second.say({ say: 'checked', check, lease, outcome: refs('late') })
  answer(second, refs('7'))
  await until(async () => (await listed(it.house)).length > 0)
  expect(await listed(it.house)).toEqual(['7'])
})

test('of many who ask at once each gets another check', async () => {
  const names = Array.from({ length: 12 }, (_, index) => `r${index}`)
  await using it = await steeredLine(`resource_types: { odd: { image: "example.org/odd:1" } }
resources: { ${names.map((name, index) => `${name}: { type: odd, source: { n: ${index} } }`).join(', ')} }
jobs: { take: { get: [${names.join(', ')}], run: x } }
`)
  await it.push()
  const { db } = it.house
  const taken = await Promise.all(
    Array.from({ length: 8 }, () => claimDue(db, { kinds: ['custom'], most: 3 })),
  )
  const ids = taken.flat().map(({ id }) => id)
  expect([ids.length, new Set(ids).size]).toEqual([12, 12])
})

test('a check that is asked for while one is under way is made once more', async () => {
  await using it = await steeredLine(FILE)
  await using checker = await hand(it.house, CHECKER)
  await it.push()
  await asked(checker, 1)
  expect(await checkNow(it.house)).toMatchObject({ status: 202, body: { check: { running: true } } })
  answer(checker, refs('1'))
  expect((await asked(checker, 2)).version).toEqual({ ref: '1' })
})

test('a runner carries out no more checks at once than it said, and one that said none none', async () => {
  const names = ['a', 'b', 'c']
  await using it = await steeredLine(`resource_types: { odd: { image: "example.org/odd:1" } }
resources: { ${names.map((name) => `${name}: { type: odd, source: { n: ${name} } }`).join(', ')} }
jobs: { take: { get: [a, b, c], run: x } }
`)
  await using idle = await hand(it.house, { ...HELLO, name: 'idle' })
  await using checker = await hand(it.house, { ...CHECKER, checks: 2 })
  await it.push()
  await asked(checker, 2)
  await checkNow(it.house, 'c')
  expect(orders(checker).length).toBe(2)
  answer(checker, refs('1'))
  await asked(checker, 3)
  expect(orders(idle)).toEqual([])
})

test('a resource that waits for a runner says so', async () => {
  await using it = await steeredLine(FILE)
  await it.push()
  await it.house.db
    .updateTable('checks')
    .set({ due_at: new Date(Date.now() - 60_000) })
    .execute()
  expect((await standing(it.house)).waits).toBe(
    'no runner is connected that checks resources: its engine must be Docker',
  )
})

describe('others say that there is something new', () => {
  test('with the token of the resource, and with no other', async () => {
    await using line = await known()
    const { house } = line.it
    const { url, token } = (await house.ask(`GET ${LINE}/odd/hook`)).body
    expect(url).toBe(`${house.url}/hooks/resources/shop/main/odd`)
    const tell = (path: string, headers = {}) =>
      house.ask(`POST /hooks/resources/shop/main/${path}`, { any: 'thing' }, { as: null, headers })
    for (const path of ['odd', 'odd?token=x', `src?token=${token}`, `none?token=${token}`])
      expect(await tell(path)).toMatchObject({ status: 401, body: { code: 'bad-signature' } })
    expect(await tell('odd', { 'x-takt-token': token })).toMatchObject({
      status: 202,
      body: { checking: true },
    })
    await asked(line.checker, 2)
  })
})
