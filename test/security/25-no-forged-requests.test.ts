import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { isOurs } from '../../server/http/guard.ts'
import { operations } from '../support/operations.ts'
import type { House } from '../support/server.ts'
import { startHouse } from '../support/server.ts'
import { signedIn } from '../support/sessions.ts'
import { steeredLine } from '../support/steer.ts'

const SAFE = /^(GET|HEAD|OPTIONS) /

test('the session’s cookie is no use to scripts and does not come along from other sites', async () => {
  await using house = await startHouse()
  const { headers } = await house.ask('POST /api/v1/session')
  expect(headers.get('set-cookie')).toMatch(/; Path=\/; HttpOnly; SameSite=Lax$/)
})

test('a page of another origin changes nothing: not one route that changes something lets it', async () => {
  await using house = await startHouse()
  const me = await signedIn(house, house.token)
  const changing = (await operations(house)).filter((operation) => !SAFE.test(operation))
  expect(changing.length).toBeGreaterThan(20)
  for (const origin of ['https://evil.example', 'null', house.url.replace('127.0.0.1', '127.0.0.2')])
    for (const operation of changing) {
      const answer = await me.ask(operation, {}, { origin })
      expect([operation, origin, answer.status, answer.body.code]).toEqual([
        operation,
        origin,
        403,
        'foreign-origin',
      ])
    }
  expect((await me.ask('POST /api/v1/projects', { name: 'ours' }, { origin: house.url })).status).toBe(201)
})

test('a browser that says where a request comes from is believed, also where it names no origin', async () => {
  await using house = await startHouse()
  const me = await signedIn(house, house.token)
  const from = (site: string) =>
    me.ask('POST /api/v1/projects', { name: `from-${site}` }, { 'sec-fetch-site': site })
  for (const site of ['cross-site', 'same-site']) expect((await from(site)).body.code).toBe('foreign-origin')
  expect((await from('same-origin')).status).toBe(201)
})

test.each([
  ['https://takt.example', 'takt.example', true],
  ['http://takt.example', 'takt.example', false],
  ['https://takt.example:8443', 'takt.example', false],
  ['http://10.0.0.5:8080', '10.0.0.5:8080', true],
  ['http://10.0.0.5:8080', 'takt.example', false],
])('of a server at https://takt.example a page of %s that asks %s is ours: %s', (origin, host, ours) => {
  expect(isOurs(origin, host, 'https://takt.example')).toBe(ours)
})

/** All that the tables hold, but for what only says when somebody was last seen. */
async function everything({ db }: House): Promise<string> {
  const { rows } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables
    where table_schema = 'public' and table_type = 'BASE TABLE' and table_name not in ('tokens', 'sessions', 'runners')
    order by 1`.execute(db)
  const held: unknown[] = []
  for (const { name } of rows)
    held.push([name, (await sql`select * from ${sql.table(name)} order by 1`.execute(db)).rows])
  return JSON.stringify(held)
}

test('reading changes nothing: after a GET of every route the tables hold what they held', async () => {
  await using it = await steeredLine('jobs: { test: { run: say x } }')
  await it.push()
  await it.quiet()
  const filled = { project: 'shop', pipeline: 'main', job: 'test', resource: 'src', organization: 'default' }
  const reads = (await operations(it.house, filled)).filter((operation) => SAFE.test(operation))
  const before = await everything(it.house)
  for (const operation of reads) await it.house.ask(operation)
  expect(await everything(it.house)).toBe(before)
})
