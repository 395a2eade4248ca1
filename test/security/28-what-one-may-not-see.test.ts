import { expect, test } from 'vitest'
import { ROUTE_RIGHTS } from '../../server/access/route-rights.ts'
import { operations } from '../support/operations.ts'
import { person } from '../support/people.ts'
import { steeredLine } from '../support/steer.ts'

const REST = {
  pipeline: 'main',
  job: 'test',
  resource: 'src',
  version: 'abcd',
  name: 'X',
  source: 'x',
  path: 'a',
  organization: 'default',
  team: 't',
}

const placed = Object.entries(ROUTE_RIGHTS).filter(
  ([, need]) => typeof need === 'object' && (need.on === 'project' || need.on === 'run'), // test/server/gates has the gates
)

test('to strangers a project that is there is answered for as one that is not, on every route', async () => {
  await using it = await steeredLine('jobs: { test: { run: say x } }')
  await it.push()
  const { token: as } = await person(it.house, 'eve')
  const ask = async (filled: Record<string, string>) => {
    const all = await operations(it.house, { ...REST, ...filled })
    return all.filter((operation) => /\/projects\/(shop|nope)|\/runs\/(1|999)\b/.test(operation))
  }
  const [there, missing] = [
    await ask({ project: 'shop', id: '1' }),
    await ask({ project: 'nope', id: '999' }),
  ]
  expect(there.length).toBe(placed.length)
  for (const [at, operation] of there.entries()) {
    const body = /^(POST|PUT|PATCH)/.test(operation) ? {} : undefined
    const [hidden, none] = [
      await it.house.ask(operation, body, { as }),
      await it.house.ask(missing[at]!, body, { as }),
    ]
    const words = (text: string) => text.replaceAll('nope', 'shop').replaceAll('999', '1')
    expect([operation, hidden.status, hidden.text]).toEqual([operation, 404, words(none.text)])
    const nobody = await it.house.ask(operation, body, { as: null })
    expect([operation, nobody.status]).toEqual([operation, 401])
  }
})
