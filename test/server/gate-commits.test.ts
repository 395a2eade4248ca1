import { expect, test } from 'vitest'
import { commitsBetween } from '../../server/forges/commits-between.ts'
import { compareAddress } from '../../server/forges/compare-address.ts'
import type { RepositoryId } from '#pipelines/ids.ts'
import { person } from '../support/people.ts'
import { hostedProject } from '../support/repository.ts'
import { startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

const FILE = { '.takt.yml': 'jobs: { ship: { approve: true } }' }

test('a gate lists the commits since it was passed last, the newest twenty, as texts', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  const waiting = () =>
    until(async () => (await house.ask('GET /api/v1/gates?state=waiting')).body.items[0] ?? false)
  const commits = async (gate: number, as = house.token) =>
    house.ask(`GET /api/v1/gates/${gate}/commits`, undefined, { as })

  const first = await clone.push(FILE)
  const one = await waiting()
  expect((await commits(one.id)).body.items).toEqual([])
  await house.ask(`POST /api/v1/gates/${one.id}/approve`)
  const hostile = '<script>alert(1)</script> \u202e\u001b[31m %H ' + 'x'.repeat(5_000)
  for (let n = 0; n < 22; n++) await clone.commit({ n: String(n) }, `Change ${n}`)
  const last = await clone.push({ n: 'last' }, { message: hostile })

  const two = await waiting()
  const [found] = (await commits(two.id)).body.items
  expect(found).toMatchObject({ resource: 'src', from: first, to: last, known: true, more: 3, compare: null })
  expect(found.commits).toHaveLength(20)
  expect(found.commits[0]).toMatchObject({ sha: last, author: 'Ann' })
  expect(found.commits[0].title).toMatch(/^<script>alert\(1\)<\/script> .* %H x+/)
  expect(found.commits[0].title.length).toBeLessThanOrEqual(220)
  expect(found.commits[1].title).toBe('Change 21')

  const { token: stranger } = await person(house, 'eve')
  expect((await commits(two.id, stranger)).status).toBe(404)
  const hosted = { kind: 'hosted', url: 'shop' } as const
  const lies = { from: '1'.repeat(40), to: last }
  expect(await commitsBetween(house.dataDir, hosted, lies)).toBe(null)
  expect(await commitsBetween(house.dataDir, hosted, { from: '--all', to: last })).toBe(null)
  expect(await commitsBetween(house.dataDir, { kind: 'git', url: 'https://a.example/b' }, lies)).toBe(null)
})

test('where the history is not here, the forge’s own page that compares is linked', () => {
  const [from, to] = ['a'.repeat(40), 'b'.repeat(40)]
  const forges = [
    { name: 'github', host: 'github.com' },
    { name: 'gitlab', host: 'gitlab.acme.io' },
  ] as const
  const at = (url: string) =>
    compareAddress(forges, { id: 1 as RepositoryId, kind: 'git', url }, { from, to })
  expect(at('https://github.com/acme/shop.git')).toBe(`https://github.com/acme/shop/compare/${from}...${to}`)
  expect(at('ssh://git@github.com/acme/shop.git')).toBe(
    `https://github.com/acme/shop/compare/${from}...${to}`,
  )
  expect(at('https://gitlab.acme.io/acme/tools/shop')).toBe(
    `https://gitlab.acme.io/acme/tools/shop/-/compare/${from}...${to}`,
  )
  expect(at('https://elsewhere.io/acme/shop')).toBe(null)
})
