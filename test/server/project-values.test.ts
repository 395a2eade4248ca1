import { describe, expect, test } from 'vitest'
import { outcomeOf, startTakt } from '../command/run-takt.ts'
import { person } from '../support/people.ts'
import { hostedProject } from '../support/repository.ts'
import { type House, startHouse } from '../support/server.ts'

const AT = '/api/v1/projects/shop/values'

async function shop() {
  const stack = new AsyncDisposableStack()
  const house = stack.use(await startHouse())
  stack.use(await hostedProject(house, 'shop'))
  return { house, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}
const set = (house: House, key: string, value: string, headers: Record<string, string> = {}) =>
  house.ask(`PUT ${AT}/${key}`, { value }, { headers })

describe('a value of a project', () => {
  test('is set, read, listed and removed, and its history tells what it was and who set it', async () => {
    await using it = await shop()
    const { token: as } = await person(it.house, 'eve', { role: 'operator' })
    expect(await set(it.house, 'colour', 'blue')).toMatchObject({ status: 200, body: { version: 1 } })
    const second = await it.house.ask(`PUT ${AT}/colour`, { value: 'green' }, { as })
    expect(second).toMatchObject({ body: { value: 'green', version: 2, set_by: 'eve' } })
    await set(it.house, 'b:1', 'x'.repeat(1_001))
    const got = await it.house.ask(`GET ${AT}/colour`)
    expect(got.headers.get('etag')).toBe('"2"')
    const { items } = (await it.house.ask(`GET ${AT}?limit=1`)).body
    expect(items).toMatchObject([{ key: 'b:1', bytes: 1_001, whole: false }])
    const rest = await it.house.ask(`GET ${AT}?after=b:1`)
    expect(rest.body).toMatchObject({ items: [{ key: 'colour', value: 'green', whole: true }], next: null })
    expect((await it.house.ask(`GET ${AT}?prefix=col`)).body.items).toHaveLength(1)
    expect((await it.house.ask(`DELETE ${AT}/colour`)).status).toBe(204)
    expect(await it.house.ask(`GET ${AT}/colour`)).toMatchObject({
      status: 404,
      body: { code: 'value-not-found' },
    })
    expect((await set(it.house, 'colour', 'red')).body.version).toBe(4)
    const history = await it.house.ask(`GET ${AT}/colour/history`)
    expect(history.body.items.map((each: { value: string; set_by: string }) => [each.value, each.set_by])) //
      .toEqual([
        ['red', 'admin'],
        [null, 'admin'],
        ['green', 'eve'],
        ['blue', 'admin'],
      ])
  })

  test('is changed only where it is as its sender knows it, if they say so', async () => {
    await using it = await shop()
    expect((await set(it.house, 'lock', 'me', { 'if-none-match': '*' })).status).toBe(200)
    expect(await set(it.house, 'lock', 'you', { 'if-none-match': '*' })).toMatchObject({
      status: 412,
      body: { code: 'changed-meanwhile', version: 1, detail: expect.stringContaining('version 1') },
    })
    expect((await set(it.house, 'lock', 'you', { 'if-match': '"1"' })).status).toBe(200)
    expect((await set(it.house, 'lock', 'me', { 'if-match': '"1"' })).status).toBe(412)
    const gone = await it.house.ask(`DELETE ${AT}/lock`, undefined, { headers: { 'if-match': '1' } })
    expect(gone.status).toBe(412)
    expect((await it.house.ask(`GET ${AT}/lock`)).body.value).toBe('you')
    expect((await set(it.house, 'lock', 'x', { 'if-match': '"a"' })).status).toBe(422)
  })

  test('of fifty who set it at once, each on top of what they read, one wins', async () => {
    await using it = await shop()
    await set(it.house, 'lock', '0')
    const all = await Promise.all(
      Array.from({ length: 50 }, (_, at) => set(it.house, 'lock', String(at), { 'if-match': '"1"' })),
    )
    expect(all.filter(({ status }) => status === 200)).toHaveLength(1)
    expect((await it.house.ask(`GET ${AT}/lock`)).body.version).toBe(2)
  })

  test('that fifty count up at once is fifty, and one that is no number stays as it is', async () => {
    await using it = await shop()
    const all = await Promise.all(
      Array.from({ length: 50 }, () => it.house.ask(`POST ${AT}/builds/increment`)),
    )
    expect(all.map(({ body }) => Number(body.value)).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 50 }, (_, at) => at + 1),
    )
    expect((await it.house.ask(`POST ${AT}/builds/increment`, { by: -8 })).body.value).toBe('42')
    await set(it.house, 'name', 'x')
    expect(await it.house.ask(`POST ${AT}/name/increment`)).toMatchObject({
      status: 409,
      body: { code: 'not-a-number' },
    })
    await set(it.house, 'most', '9007199254740991')
    expect((await it.house.ask(`POST ${AT}/most/increment`)).status).toBe(409)
    expect((await it.house.ask(`GET ${AT}/name`)).body.value).toBe('x')
  })

  test('is bounded in size, and so is what a project holds', async () => {
    await using it = await shop()
    expect((await set(it.house, 'big', 'x'.repeat(65_536))).status).toBe(200)
    expect(await set(it.house, 'big', 'x'.repeat(65_537))).toMatchObject({
      status: 413,
      body: { code: 'value-too-large' },
    })
    expect((await set(it.house, 'a%2Fb', 'x')).status).toBe(422)
    const { id } = await it.house.db.selectFrom('projects').select('id').executeTakeFirstOrThrow()
    const rows = Array.from({ length: 9_999 }, (_, at) => ({
      ...{ project_id: id, key: `k${at}`, version: 1, value: '', set_by: 'x' },
    }))
    await it.house.db.insertInto('project_values').values(rows).execute()
    expect(await set(it.house, 'more', 'x')).toMatchObject({ status: 409, body: { code: 'too-many-values' } })
    expect((await it.house.ask(`POST ${AT}/more/increment`)).status).toBe(409)
    expect((await set(it.house, 'k1', 'y')).status).toBe(200)
  })

  test('is for those who work with the project, and each change is on record', async () => {
    await using it = await shop()
    const { token: as } = await person(it.house, 'eve', { role: 'viewer' })
    expect((await it.house.ask(`GET ${AT}`, undefined, { as })).status).toBe(403)
    await set(it.house, 'colour', 'blue')
    await set(it.house, 'colour', 'green')
    const audit = await it.house.ask('GET /api/v1/audit?action=value.set')
    expect(audit.body.items[0]).toMatchObject({
      ...{ action: 'value.set', project: 'shop', outcome: 'done' },
      ...{ before: { value: 'blue' }, after: { value: 'green' } },
    })
  })

  test('is kept by the command, too', { timeout: 60_000 }, async () => {
    await using it = await shop()
    const takt = async (args: string[], input = '') => {
      const child = startTakt(['kv', ...args], {
        env: { TAKT_URL: it.house.url, TAKT_TOKEN: it.house.token },
      })
      child.stdin!.end(input)
      return outcomeOf(child)
    }
    expect(await takt(['list', 'shop'])).toMatchObject({ code: 0, err: expect.stringContaining('kv set') })
    expect((await takt(['set', 'shop', 'colour', 'blue', '--new'])).code).toBe(0)
    expect(await takt(['set', 'shop', 'colour', '--if-version', '7'], 'red\n')).toMatchObject({ code: 2 })
    expect((await takt(['set', 'shop', 'colour', '--if-version', '1'], 'green\n')).code).toBe(0)
    expect((await takt(['get', 'shop', 'colour'])).out).toBe('green\n')
    expect((await takt(['incr', 'shop', 'builds', '--by', '3'])).out).toBe('3\n')
    expect((await takt(['list', 'shop'])).out).toMatch(/builds +3 +1 .*\n.*colour +green +2 /)
    expect((await takt(['history', 'shop', 'colour'])).out).toMatch(/2 +green[^\n]*\n1 +blue/)
    expect((await takt(['remove', 'shop', 'colour'])).code).toBe(0)
  })
})
