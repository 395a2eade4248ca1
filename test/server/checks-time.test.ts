import { expect, test } from 'vitest'
import { counted } from '../../server/checks/time.ts'
import type { House } from '../support/server.ts'
import { steeredLine } from '../support/steer.ts'
import { until } from '../support/until.ts'

const file = (time: string) => `resources: { src: { git: . }, tick: { time: ${time} } }
jobs: { nightly: { get: tick, run: x }, read: { get: { src: {}, tick: { trigger: false } }, run: x } }
`
const versions = async (house: House): Promise<string[]> =>
  (await house.ask('GET /api/v1/projects/shop/pipelines/main/resources/tick/versions')).body.items.map(
    (each: { name: string }) => each.name,
  )

test('each time that comes is a version by the name of its moment, and starts who gets it', async () => {
  await using it = await steeredLine(file('1s, overlap: allow, misfire: all'))
  await it.push()
  await until(async () => (await it.runs('nightly')).length >= 3)
  const names = (await versions(it.house)).toReversed()
  const spans = names.slice(1).map((name, index) => Date.parse(name) - Date.parse(names[index]!))
  expect(new Set(spans)).toEqual(new Set([1_000]))
  const [body] = await it.house.db
    .selectFrom('versions')
    .select('body')
    .where('name', '=', names[0]!)
    .execute()
  expect(body).toMatchObject({ body: { fields: { due: names[0] } } })
})

test('a time that comes while the last run still runs is left out, and says so', async () => {
  await using it = await steeredLine(file('1s'))
  await it.push()
  const left = () => it.triggers('nightly').then((all) => all.filter(({ fate }) => fate === 'no-run'))
  await until(async () => (await left()).length > 0)
  const [run] = await it.runs('nightly')
  expect((await it.runs('nightly')).length).toBe(1)
  expect((await left())[0]).toMatchObject({ reason: `run ${run!.id} still ran (\`overlap: skip\`)` })
  await it.end('nightly', 'succeed')
  await until(async () => (await it.runs('nightly')).length === 2)
})

test('what was missed while no server was there comes once, by its last time', async () => {
  // Once a day, as far from now as can be: none comes while this is tried.
  const dayMs = 86_400_000
  const lastMs = Math.floor((Date.now() - dayMs / 2) / 60_000) * 60_000
  const last = new Date(lastMs)
  await using it = await steeredLine(file(`"${last.getUTCMinutes()} ${last.getUTCHours()} * * *"`))
  await it.push()
  const { db } = it.house
  const seen = () => db.selectFrom('checks').select('seen').executeTakeFirst()
  await until(async () => (await seen())?.seen)
  const nextMs = lastMs - 5 * dayMs
  await db
    .updateTable('checks')
    .set({ seen: JSON.stringify({ nextMs }), due_at: new Date(nextMs) })
    .execute()
  await it.house.restart()
  await until(async () => (await versions(it.house)).length === 1)
  expect(await versions(it.house)).toEqual([last.toISOString()])
  expect((await seen())?.seen).toEqual({ nextMs: lastMs + dayMs })
})

test('of times that were missed as many count as the file says', () => {
  const times = [1_000_000, 2_000_000, 3_000_000]
  const rules = { misfireGraceMs: null, jitterMs: 0 }
  expect(counted({ ...rules, misfire: 'all' }, times, 9_000_000)).toEqual(times)
  expect(counted({ ...rules, misfire: 'once' }, times, 9_000_000)).toEqual([3_000_000])
  expect(counted({ ...rules, misfire: 'skip' }, times, 9_000_000)).toEqual([])
  expect(counted({ ...rules, misfire: 'skip' }, times, 3_030_000)).toEqual([3_000_000])
  expect(counted({ ...rules, misfire: 'skip', misfireGraceMs: 10_000 }, times, 3_030_000)).toEqual([])
  expect(
    counted({ ...rules, misfire: 'skip', misfireGraceMs: 10_000, jitterMs: 30_000 }, times, 3_030_000),
  ).toEqual([3_000_000])
})
