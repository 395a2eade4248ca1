import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { junit, lcov, tested } from '../support/tested.ts'

test('a report leaves what other reports of its run told as it was', async () => {
  await using line = await tested()
  await line.push()
  await line.pass((post) => post('junit', 'a.xml', junit({ a: 'p', b: 'p' })))
  await line.push()
  /** Of each test which transaction wrote its result last. */
  const written = async () => {
    const { rows } = await sql<{ name: string; by: string }>`
      select tests.name, test_results.xmin::text as by from test_results join tests on tests.id = test_id
      where run_id = 2 order by 1`.execute(line.house.db)
    return rows
  }
  const run = await line.pass(async (post) => {
    await post('junit', 'a.xml', junit({ a: 'f', b: 'p' }))
    const first = await written()
    await post('junit', 'c.xml', junit({ c: 'p' }))
    expect((await written()).slice(0, 2)).toEqual(first)
    await post('junit', 'b.xml', junit({ b: 'f' }))
    expect((await written())[0]).toEqual(first[0])
  })
  const { summary, items } = await line.tests(run)
  expect(summary).toMatchObject({ total: 3, failed: 2, new_failures: 2, flaky: 1 })
  expect(items.map(({ name, new_failure }: Record<string, unknown>) => [name, new_failure])).toEqual(
    expect.arrayContaining([
      ['a', true],
      ['b', true],
      ['c', false],
    ]),
  )
})

test('runs of any number of versions, and legs of any length, report', async () => {
  const leg = (letter: string) => letter.repeat(900)
  const values = ['x', 'y', 'z', 'w'].map((axis) => `${axis}: [${leg(axis)}]`).join(', ')
  await using line = await tested(`jobs: { test: { matrix: { ${values} }, run: x } }`)
  await line.push()
  const run = await line.pass(async (post) => {
    expect((await post('junit', 'a.xml', junit({ a: 'f' }))).status).toBe(200)
  })
  await line.house.ask(`POST /api/v1/runs/${run}/retry`)
  const again = await line.pass((post) => post('junit', 'a.xml', junit({ a: 'p' })))
  expect((await line.tests(again)).summary).toMatchObject({ passed: 1, flaky: 1 })
})

test('a run that was carried out once more is compared by what it reported then', async () => {
  await using line = await tested()
  await line.push()
  const first = await line.pass((post) => post('coverage', 'lcov.info', lcov({ 'a.ts': [1, 0] })))
  await line.push()
  await line.pass(async (post) => {
    await post('coverage', 'lcov.info', lcov({ 'a.ts': [1, 1] }))
    await sql`update runs set attempt = 2 where id = 2`.execute(line.house.db)
    await post('junit', 'a.xml', junit({ a: 'p' }))
  })
  await line.push()
  const third = await line.pass((post) => post('coverage', 'lcov.info', lcov({ 'a.ts': [1, 1] })))
  const { summary } = (await line.house.ask(`GET /api/v1/runs/${third}/coverage`)).body
  expect(summary).toMatchObject({ percent: 100, previous: { run: first, percent: 50 } })
})
