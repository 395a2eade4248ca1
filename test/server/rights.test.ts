import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Access, NOBODY, reaches, type Role, roleIn, ROLES } from '#pipelines/access/roles.ts'
import type { OrganizationId, ProjectId } from '#pipelines/ids.ts'
import { mayIn } from '../../server/access/grants.ts'
import { type Need, ROUTE_RIGHTS } from '../../server/access/route-rights.ts'
import { operations } from '../support/operations.ts'
import { bound, person } from '../support/people.ts'
import { hostedProject } from '../support/repository.ts'
import { type Answer, startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

const LINE = 'jobs:\n  test: { run: say x }\n'
const GATED = `${LINE}  ship: { when: manual, approve: true }\n`
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

/** `GET /projects/:project` of an operation of the API’s description. */
const routeOf = (operation: string) =>
  operation
    .replace('/api/v1', '')
    .replaceAll(/\{(\w+)\}/g, ':$1')
    .replace(/\.tar\.gz$/, '')

async function shop() {
  const stack = new AsyncDisposableStack()
  const house = stack.use(await startHouse())
  const clone = stack.use(await hostedProject(house, 'shop'))
  await clone.push({ '.takt.yml': LINE })
  await until(async () => (await house.ask('GET /api/v1/runs')).body.items.length === 1)
  return { house, clone, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

const asks = (house: Awaited<ReturnType<typeof startHouse>>, operation: string, as: string | null) =>
  house.ask(operation, /^(POST|PUT|PATCH)/.test(operation) ? {} : undefined, { as })

/** Whether the door was open, whatever the room behind it said. */
const passed = ({ status, body }: Answer) =>
  status !== 401 && !(status === 403 && body?.code === 'not-allowed')

test('every route of the API stands in the table of rights, and the table knows no other', async () => {
  await using house = await startHouse()
  const names = Object.fromEntries(Object.keys(PLACE).map((name) => [name, `{${name}}`]))
  const described = (await operations(house, names)).map(routeOf)
  expect(Object.keys(ROUTE_RIGHTS).toSorted()).toEqual([...new Set(described)].toSorted())
})

describe('each route is open to whom the table says, and to nobody else', () => {
  const needOf = async (house: Awaited<ReturnType<typeof startHouse>>) => {
    const names = Object.fromEntries(Object.keys(PLACE).map((name) => [name, `{${name}}`]))
    const [plain, filled] = [await operations(house, names), await operations(house, PLACE)]
    return plain.map((operation, at) => [filled[at]!, ROUTE_RIGHTS[routeOf(operation)]!] as const)
  }

  test.each([null, 'stranger', ...ROLES])(
    'as %s',
    async (who) => {
      await using it = await shop()
      await it.clone.push({ '.takt.yml': GATED })
      await until(async () => {
        await it.house.ask('POST /api/v1/projects/shop/pipelines/main/jobs/ship/runs', {})
        return (await it.house.ask('GET /api/v1/gates')).body.items.length > 0
      })
      const given = ROLES.includes(who as Role) ? { role: who as Role } : {}
      const token = who === null ? null : (await person(it.house, 'eve', given)).token
      const wrong: unknown[] = []
      for (const [operation, need] of await needOf(it.house)) {
        const answer = await asks(it.house, operation, operation.endsWith('/session') ? null : token)
        const wanted = expected(need, who as Role | 'stranger' | null)
        const seen = { open: passed(answer), status: answer.status }
        if (operation.endsWith('/session')) continue // shows credentials of its own
        if (wanted === 'open' ? !seen.open : answer.status !== wanted)
          wrong.push({ operation, wanted, ...seen })
      }
      expect(wrong).toEqual([])
    },
    60_000,
  )

  function expected(need: Need, who: Role | 'stranger' | null): 'open' | 401 | 403 | 404 {
    if (need === 'anyone') return 'open'
    if (who === null) return 401
    if (need === 'someone') return 'open'
    if (need === 'site') return 403
    if (who === 'stranger') return 404
    return reaches(who, need.role) ? 'open' : 403
  }
})

test('what one may not see is not there: the words are those for what does not exist', async () => {
  await using it = await shop()
  const { token: as } = await person(it.house, 'eve')
  const hidden = await it.house.ask('GET /api/v1/projects/shop', undefined, { as })
  const missing = await it.house.ask('GET /api/v1/projects/none', undefined, { as })
  expect(hidden.status).toBe(404)
  expect({ ...hidden.body, detail: '' }).toEqual({ ...missing.body, detail: '' })
  expect(hidden.body.detail).toBe(missing.body.detail.replace('none', 'shop'))
  for (const list of ['projects', 'pipelines', 'runs', 'deliveries', 'holds', 'runs?project=shop'])
    expect((await it.house.ask(`GET /api/v1/${list}`, undefined, { as })).body.items).toEqual([])
  expect((await it.house.ask('GET /api/v1/runs/1', undefined, { as })).body.code).toBe('run-not-found')
})

test('a public project may be looked at by anybody, and changed by nobody more', async () => {
  await using it = await shop()
  await it.house.db.updateTable('projects').set({ public: true }).execute()
  const nobody = (operation: string, body?: unknown) => it.house.ask(operation, body, { as: null })
  expect((await nobody('GET /api/v1/projects')).body.items).toMatchObject([{ name: 'shop', public: true }])
  expect((await nobody('GET /api/v1/runs')).body.items).toHaveLength(1)
  expect((await nobody('GET /api/v1/runs/1/log')).status).toBe(200)
  expect((await nobody('POST /api/v1/runs/1/cancel', {})).status).toBe(401)
  expect((await nobody('GET /api/v1/projects/shop/secrets')).status).toBe(401)
  expect((await nobody('GET /git/shop.git/info/refs?service=git-upload-pack')).status).toBe(200)
  expect((await nobody('GET /git/shop.git/info/refs?service=git-receive-pack')).status).toBe(401)
})

test.each([null, ...ROLES])(
  'as %s one is told one’s own role wherever something could be done',
  async (role) => {
    await using it = await shop()
    await it.house.db.updateTable('projects').set({ public: true }).execute()
    const as = role && (await person(it.house, 'eve', { role, project: 'shop' })).token
    const ask = async (route: string) => (await it.house.ask(`GET /api/v1/${route}`, undefined, { as })).body
    const seen = [
      (await ask('projects')).items[0].role,
      (await ask('projects/shop')).role,
      (await ask('projects/shop/pipelines/main')).role,
      (await ask('runs/1')).role,
    ]
    expect(new Set(seen)).toEqual(new Set([role ?? 'viewer']))
  },
)

test('a hosted repository is read by who sees its project, and pushed to by who maintains it', async () => {
  await using it = await shop()
  const ask = async (service: string, token: string) => {
    const authorization = `Basic ${Buffer.from(`any:${token}`).toString('base64')}`
    const path = `GET /git/shop.git/info/refs?service=git-${service}`
    return (await it.house.ask(path, undefined, { as: null, headers: { authorization } })).status
  }
  const seen: Record<string, number[]> = {}
  for (const role of [undefined, ...ROLES]) {
    const { token } = await person(it.house, `of-${role}`, role ? { role, project: 'shop' } : {})
    seen[role ?? 'none'] = [await ask('upload-pack', token), await ask('receive-pack', token)]
  }
  expect(seen).toEqual({
    none: [404, 404],
    viewer: [200, 403],
    operator: [200, 403],
    approver: [200, 403],
    maintainer: [200, 200],
    admin: [200, 200],
  })
})

test('a token can do no more than its bounds say, whoever’s it is', async () => {
  await using it = await shop()
  await it.house.ask('POST /api/v1/projects', { name: 'other' })
  const { token: as } = await person(it.house, 'ada', { role: 'admin' })
  const status = async (operation: string) => (await asks(it.house, operation, as)).status
  await bound(it.house, as, { role: 'viewer' })
  expect(await status('GET /api/v1/projects/shop')).toBe(200)
  expect(await status('POST /api/v1/runs/1/cancel')).toBe(403)
  await bound(it.house, as, { project: 'shop' })
  expect(await status('POST /api/v1/runs/1/cancel')).toBe(200)
  expect(await status('GET /api/v1/projects/other')).toBe(404)
  expect((await it.house.ask('GET /api/v1/projects', undefined, { as })).body.items).toHaveLength(1)
  expect((await it.house.ask('POST /api/v1/projects', { name: 'x' }, { as })).status).toBe(404)
})

test('whoever is disabled is nobody, at once', async () => {
  await using it = await shop()
  const { id, token: as } = await person(it.house, 'ada', { role: 'viewer' })
  expect((await it.house.ask('GET /api/v1/me', undefined, { as })).status).toBe(200)
  await it.house.db.updateTable('users').set({ disabled_at: new Date() }).where('id', '=', id).execute()
  expect((await it.house.ask('GET /api/v1/me', undefined, { as })).status).toBe(401)
})

test('lists and doors follow one rule: what SQL finds is what the function allows', async () => {
  await using house = await startHouse()
  for (const name of ['a', 'b', 'c', 'd']) await house.ask('POST /api/v1/projects', { name })
  await house.db.insertInto('organizations').values({ name: 'other' }).execute()
  await house.db
    .updateTable('projects')
    .set({ organization_id: 2 as OrganizationId })
    .where('name', 'in', ['c', 'd'])
    .execute()
  await house.db.updateTable('projects').set({ public: true }).where('name', 'in', ['b', 'd']).execute()
  const grounds = await house.db
    .selectFrom('projects')
    .select(['id as project', 'organization_id as organization', 'public'])
    .orderBy('id')
    .execute()
  const role = fc.constantFrom(...ROLES)
  const maybe = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: null })
  const mapOf = <Id>(ids: number[]) =>
    fc
      .array(fc.tuple(fc.constantFrom(...(ids as Id[])), role), { maxLength: 3 })
      .map((pairs) => new Map(pairs))
  const access: fc.Arbitrary<Access> = fc.record({
    site: fc.boolean(),
    organizations: mapOf<OrganizationId>([1, 2]),
    projects: mapOf<ProjectId>([1, 2, 3, 4]),
    most: maybe(role),
    only: maybe(fc.constantFrom(1 as ProjectId, 3 as ProjectId)),
  })
  await fc.assert(
    fc.asyncProperty(access, role, async (each, least) => {
      const rows = await house.db
        .selectFrom('projects')
        .select('id')
        .where(mayIn(each, least))
        .orderBy('id')
        .execute()
      const allowed = grounds.filter((ground) => reaches(roleIn(each, ground), least))
      expect(rows.map(({ id }) => id)).toEqual(allowed.map(({ project }) => project))
    }),
    { numRuns: 200, seed: 20261121 },
  )
  expect(roleIn(NOBODY, grounds[1]!)).toBe('viewer')
})
