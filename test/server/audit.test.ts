import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { actionOf, NAMED } from '../../server/audit/actions.ts'
import { openBook } from '../../server/audit/book.ts'
import type { Entry } from '../../server/audit/entry.ts'
import { operations } from '../support/operations.ts'
import { person } from '../support/people.ts'
import { hostedProject } from '../support/repository.ts'
import { type House, startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

const LINE = 'jobs:\n  test: { run: say x }\n'
const PLACE = {
  ...{ project: 'shop', pipeline: 'main', job: 'test', resource: 'src', version: '1' },
  ...{
    id: '1',
    name: 'A_NAME',
    key: 'a.key',
    index: '0',
    source: 'x',
    path: 'a/b',
    organization: 'default',
    team: 'ship',
  },
  ...{
    account: 'a-bot',
    provider: 'oidc',
    number: '1',
    schedule: 'nightly',
    service: 'deployer',
    of: 'jobs',
  },
}

/** A token that is not the first, which one of the operations ends. */
const TOKEN = 'an admin token known beforehand'.replaceAll(' ', '-')

async function shop() {
  const stack = new AsyncDisposableStack()
  const house = stack.use(await startHouse({ TAKT_ADMIN_TOKEN: TOKEN }))
  const clone = stack.use(await hostedProject(house, 'shop'))
  await clone.push({ '.takt.yml': LINE })
  await until(async () => (await house.ask('GET /api/v1/runs')).body.items.length === 1)
  return { house, clone, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

type Operation = { readonly route: string; readonly filled: string; readonly action: string | null }

/** Every operation that may change something, filled in, with the action that it is. */
async function mutating(house: House): Promise<Operation[]> {
  const names = Object.fromEntries(Object.keys(PLACE).map((name) => [name, `{${name}}`]))
  const [plain, filled] = [await operations(house, names), await operations(house, PLACE)]
  return plain.flatMap((operation, at) => {
    if (operation.startsWith('GET ')) return []
    const route = operation.replace('/api/v1', '').replaceAll(/\{(\w+)\}/g, ':$1')
    return [{ route, filled: filled[at]!, action: actionOf(route) }]
  })
}

const entries = async (house: House, query = '') =>
  (await house.ask(`GET /api/v1/audit?limit=200${query}`)).body.items as {
    [member: string]: string | number | object | null
  }[]

const newest = async (house: House) =>
  (await house.db.selectFrom('audit_head').select('id').executeTakeFirstOrThrow()).id

/** What an operation leaves behind it. */
async function leaves(house: House, operation: string, as: string | null) {
  const before = await newest(house)
  const body = operation.startsWith('DELETE') ? undefined : {}
  const { status } = await house.ask(operation, body, { as })
  const rows = await house.db.selectFrom('audit_entries').selectAll().where('id', '>', before).execute()
  return { status, left: rows.map(({ action, outcome }) => ({ action, outcome })) }
}

function meant(status: number) {
  if (status === 401 || status === 403) return 'denied'
  return status < 400 ? 'done' : status < 500 ? 'refused' : 'failed'
}

describe('every request that would change something leaves exactly one entry', () => {
  test('of an admin, done or refused', async () => {
    await using it = await shop()
    const wrong: unknown[] = []
    for (const { filled, action } of await mutating(it.house)) {
      const { status, left } = await leaves(it.house, filled, TOKEN)
      const wanted = action === null ? [] : [{ action, outcome: meant(status) }]
      if (JSON.stringify(left) !== JSON.stringify(wanted)) wrong.push({ filled, status, left, wanted })
    }
    expect(wrong).toEqual([])
    const { body } = await it.house.ask('GET /api/v1/audit/verify', undefined, { as: TOKEN })
    expect(body.broken).toBeNull()
  })

  test('of somebody without rights, denied', async () => {
    await using it = await shop()
    const { token } = await person(it.house, 'eve')
    const wrong: unknown[] = []
    const counted = new Set<string>()
    for (const { filled, action } of await mutating(it.house)) {
      if (action === null) continue
      const { status, left } = await leaves(it.house, filled, token)
      if ((status !== 403 && status !== 404) || counted.has(action)) continue
      counted.add(action)
      if (left.length !== 1 || left[0]!.action !== action) wrong.push({ filled, status, left })
      if (/projects\/shop|runs\/1/.test(filled) && left[0]?.outcome !== 'denied') wrong.push({ filled, left })
    }
    expect(wrong).toEqual([])
    expect((await entries(it.house, '&outcome=denied&actor=eve')).length).toBeGreaterThan(10)
  })

  test('told in the words of the field, and of no route that there is not', async () => {
    await using house = await startHouse()
    const all = await mutating(house)
    for (const { action } of all) if (action) expect(action).toMatch(/^[a-z-]+\.[a-z-]+$/)
    const known = new Set(all.map(({ route }) => route))
    expect(Object.keys(NAMED).filter((route) => !known.has(route))).toEqual([])
  })
})

test('an entry says who, how, from where, what, where and what came of it', async () => {
  await using it = await shop()
  await it.house.ask('POST /api/v1/runs/1/cancel', { reason: 'not today' })
  expect((await entries(it.house, '&action=run.cancel'))[0]).toMatchObject({
    ...{ actor: 'admin', actor_kind: 'person', via: 'token', address: '127.0.0.1' },
    ...{ action: 'run.cancel', organization: 'default', project: 'shop', target: '/runs/1/cancel' },
    ...{ outcome: 'done', reason: null, count: 1 },
  })
  expect((await entries(it.house, '&action=run.cancel'))[0]!['token']).toMatch(/^data directory /)
  await it.house.ask('POST /api/v1/runs/1/cancel', {})
  expect((await entries(it.house, '&action=run.'))[0]).toMatchObject({
    outcome: 'refused',
    reason: expect.stringMatching(/^illegal-move: run 1 has cancelled already/),
  })
})

test('a change whose entry cannot be written is not made', async () => {
  await using house = await startHouse()
  await sql`alter table audit_entries add constraint none check (action <> 'project.add')`.execute(house.db)
  expect((await house.ask('POST /api/v1/projects', { name: 'shop' })).status).toBe(500)
  expect((await house.ask('GET /api/v1/projects')).body.items).toEqual([])
})

test('a value of a secret is in no entry', async () => {
  await using it = await shop()
  await it.house.ask('PUT /api/v1/projects/shop/secrets/KEY', { value: 'hunter22-hunter22' })
  expect((await entries(it.house, '&action=secret.set'))[0]).toMatchObject({ outcome: 'done' })
  const { text } = await it.house.ask('GET /api/v1/audit/export')
  expect(text).not.toContain('hunter22')
})

test('a push to a hosted repository is told with the commits it moved', async () => {
  await using it = await shop()
  const sha = await it.clone.push({ a: 'b' })
  const [push] = await until(async () => {
    const found = await entries(it.house, '&action=repository.push')
    return found.length === 2 ? found : null
  })
  expect(push).toMatchObject({
    ...{ actor: 'admin', via: 'git', project: 'shop', target: '/git/shop.git', outcome: 'done' },
    after: { 'refs/heads/main': sha },
  })
  const { token } = await person(it.house, 'eve', { role: 'viewer' })
  const authorization = `Basic ${Buffer.from(`any:${token}`).toString('base64')}`
  const path = 'GET /git/shop.git/info/refs?service=git-receive-pack'
  expect((await it.house.ask(path, undefined, { as: null, headers: { authorization } })).status).toBe(403)
  expect((await entries(it.house, '&actor=eve'))[0]).toMatchObject({ outcome: 'denied', via: 'git' })
})

test('bad credentials are on record, whoever they claim to be', async () => {
  await using house = await startHouse()
  await house.ask('POST /api/v1/session', { link: 'no such link' }, { as: null })
  await house.ask('POST /api/v1/projects', { name: 'x' }, { as: 'takt_wrong' })
  await house.ask('POST /api/v1/projects', { name: 'y' }, { as: null })
  expect(await entries(house, '&outcome=denied')).toMatchObject([
    { action: 'project.add', actor: 'nobody', reason: expect.stringContaining('not-signed-in') },
    { action: 'project.add', actor: 'nobody', reason: expect.stringContaining('bad-token') },
    { action: 'session.start', actor: 'nobody', reason: expect.stringContaining('bad-login-link') },
  ])
})

test('a flood of attempts is one entry, and one more with their number', async () => {
  await using house = await startHouse()
  for (let n = 0; n < 20; n += 1)
    await house.ask('POST /api/v1/projects', { name: `x${n}` }, { as: 'takt_wrong' })
  expect(await entries(house, '&outcome=denied')).toMatchObject([{ count: 1 }])
  await house.restart()
  expect(await entries(house, '&outcome=denied')).toMatchObject([{ count: 19 }, { count: 1 }])
})

test('more kinds of attempts than are told apart become one kind', async () => {
  await using house = await startHouse()
  const book = openBook(house.db, { mostKinds: 20 })
  const attempt: Omit<Entry, 'address'> = {
    ...{ actor_id: null, actor: 'nobody', actor_kind: 'nobody', via: 'none', token: null },
    ...{ action: 'session.start', organization_id: null, project: null, target: '/session' },
    ...{ outcome: 'denied', reason: 'no', before: null, after: null, count: 1 },
  }
  for (let n = 0; n < 25; n += 1) await book.note({ ...attempt, address: `2001:db8::${n}` })
  await book[Symbol.asyncDispose]()
  const [last, ...rest] = await house.db
    .selectFrom('audit_entries')
    .selectAll()
    .orderBy('id', 'desc')
    .execute()
  expect(last).toMatchObject({ actor: 'various', address: null, count: 4 })
  expect(rest).toHaveLength(21)
})

test('what comes from outside is kept whole, whatever letters it is made of', async () => {
  await using house = await startHouse()
  const { token } = await person(house, 'eve')
  const names = ['%F0%9F%98%80', 'a%22%2C%0Ab', '%3D1%2B1', 'x'.repeat(100)]
  for (const name of names)
    await house.ask(`POST /api/v1/runners/${name}/pause`, { reason: '=1+1' }, { as: token })
  expect((await house.ask('GET /api/v1/audit/verify')).body.broken).toBeNull()
  await house.ask('POST /api/v1/projects', { name: 'shop' })
  const { text } = await house.ask('GET /api/v1/audit/export?format=csv')
  expect(text.split('\r\n')[0]).toMatch(/^id,at,actor,/)
  expect(text).toContain(',project.add,default,1,shop,/projects,done,')
})

test('an admin of the server reads all entries, one of an organization theirs, and nobody else any', async () => {
  await using it = await shop()
  await it.house.db.insertInto('organizations').values({ name: 'other' }).execute()
  const { token: admin } = await person(it.house, 'ada', { role: 'admin' })
  const { token: viewer } = await person(it.house, 'vic', { role: 'viewer' })
  await it.house.ask('POST /api/v1/projects', { name: 'theirs', organization: 'other' })
  await it.house.ask('POST /api/v1/login-links', {})
  const names = async (as: string) =>
    (await it.house.ask('GET /api/v1/audit', undefined, { as })).body.items?.map(
      ({ action }: { action: string }) => action,
    )
  expect(await names(it.house.token)).toEqual([
    'login-link.add',
    'project.add',
    'repository.push',
    'project.add',
  ])
  expect(await names(admin)).toEqual(['repository.push', 'project.add'])
  expect(await names(viewer)).toEqual([])
  expect((await it.house.ask('GET /api/v1/audit/verify', undefined, { as: admin })).status).toBe(403)
  const file = await it.house.ask('GET /api/v1/audit/export', undefined, { as: admin })
  expect(file.text.trim().split('\n')).toHaveLength(2)
})

test('entries are found by who, what, where, outcome and time, a page after the other', async () => {
  await using it = await shop()
  for (let n = 0; n < 5; n += 1) await it.house.ask('POST /api/v1/projects', { name: `p${n}` })
  const found = async (query: string) => (await entries(it.house, query)).length
  expect(await found('&project=shop')).toBe(2)
  expect(await found('&action=project.')).toBe(6)
  expect(await found('&actor=nobody')).toBe(0)
  expect(await found('&organization=default&outcome=done&project=p3')).toBe(1)
  expect(await found('&since=2999-01-01T00:00:00Z')).toBe(0)
  expect(await found('&until=2999-01-01T00:00:00Z')).toBe(7)
  const first = (await it.house.ask('GET /api/v1/audit?limit=4')).body
  const second = (await it.house.ask(`GET /api/v1/audit?limit=4&after=${first.next}`)).body
  expect([...first.items, ...second.items].map(({ id }: { id: number }) => id)).toEqual([7, 6, 5, 4, 3, 2, 1])
  expect(second.next).toBeNull()
  expect((await it.house.ask('GET /api/v1/audit?since=yesterday')).status).toBe(422)
})
