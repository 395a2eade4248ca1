import { expect, test } from 'vitest'
import { asRunner, packed } from '../support/archives.ts'
import type { House } from '../support/server.ts'
import { type Leased, leased } from '../support/leased.ts'
import { steeredLine } from '../support/steer.ts'

const LINE = `resources: { src: { git: . }, settings: { params: { SIZE: "1" } } }
jobs:
  one: { get: src, when: push, put: { settings: { set: { SIZE: "2" } } }, keep: dist/ }
  two: { get: src, when: push, put: { settings: { set: { SIZE: "3" } } }, keep: dist/ }
`

/** Everything a runner may say of a run over HTTP, with this lease. */
async function everything(house: House, run: Leased, lease: string): Promise<number[]> {
  const put = await run.put('settings', { kind: 'params', set: { SIZE: '9' } }, { by: lease })
  const body = await packed({ 'dist/x': 'x' })
  const keep = await asRunner(house, `PUT /runner/runs/${run.plan.run}/kept`, { lease, body })
  const take = await asRunner(house, `GET /runner/runs/${run.plan.run}/kept/${run.plan.run}`, { lease })
  return [put.status, keep.status, take.status]
}

/** What such words could have changed. */
async function standing({ db }: House) {
  const count = (table: 'versions' | 'archives' | 'kept' | 'run_outputs') =>
    db
      .selectFrom(table)
      .select((eb) => eb.fn.countAll<number>().as('rows'))
      .executeTakeFirstOrThrow()
  const counts = [
    await count('versions'),
    await count('archives'),
    await count('kept'),
    await count('run_outputs'),
  ]
  return {
    counts,
    runs: await db.selectFrom('runs').select(['id', 'state', 'lease_token']).orderBy('id').execute(),
  }
}

// The words over the runner's socket are held to the same in test/server/runner-link.test.ts and runner-faults.test.ts.
test('a lease of another run, of nothing, or of a run that has ended is refused with 409 and changes nothing', async () => {
  await using it = await steeredLine(LINE)
  await it.push()
  const [one, two] = [await leased(it), await leased(it)]
  const before = await standing(it.house)
  for (const lease of [two.lease, 'nothing-at-all', it.house.token, it.house.runnerToken])
    expect(await everything(it.house, one, lease)).toEqual([409, 409, 409])
  expect(await standing(it.house)).toEqual(before)
  await one.end('succeed')
  const ended = await standing(it.house)
  expect(await everything(it.house, one, one.lease)).toEqual([409, 409, 409])
  expect(await standing(it.house)).toEqual(ended)
})
