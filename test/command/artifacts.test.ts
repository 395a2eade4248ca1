import { expect, test } from 'vitest'
import { fakeApi } from './fake-api.ts'
import { outcomeOf, startTakt } from './run-takt.ts'

const KEPT = { name: 'kept', kind: 'kept', files: 3, bytes: 20, expires_at: null, expired: true }
const ANSWERS = {
  'GET /api/v1/runs/7/artifacts': { body: { items: [KEPT], next: null } },
  'GET /api/v1/runs/8/artifacts': { body: { items: [], next: null } },
  'GET /api/v1/runs/7/artifacts/kept/files/dist/a%20b.json': { body: { a: 1 } },
}

async function artifacts(...args: string[]) {
  await using api = await fakeApi(ANSWERS)
  const child = startTakt(['artifacts', ...args], { env: { TAKT_URL: api.url } })
  child.stdin?.end()
  return await outcomeOf(child)
}

test('what a run kept is listed; what has expired says so', async () => {
  const said = await artifacts('list', '7')
  expect(said).toMatchObject({ code: 0, out: expect.stringMatching(/kept +3 +20 +expired/) })
  expect(await artifacts('list', '8')).toMatchObject({ code: 0, err: expect.stringContaining('keep:') })
})

test('one file of it goes to standard output as it is', async () => {
  const said = await artifacts('get', '7', '--file', 'dist/a b.json', '-o', '-')
  expect(said).toMatchObject({ code: 0, out: expect.stringContaining('"a"') })
})
