import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { ProjectId, UserId } from '#pipelines/ids.ts'
import { EVERYWHERE } from '#pipelines/plan/secret-scopes.ts'
import { sign } from '../../server/access/derive.ts'
import type { Db } from '../../server/db/connect.ts'
import { Keyring } from '../../server/secrets/keyring.ts'
import { ofProject, placeOf } from '../../server/secrets/owner.ts'
import { SEALED } from '../../server/secrets/rewrap.ts'
import { seal, wrappingKey } from '../../server/secrets/seal.ts'
import { freshDatabase } from '../support/database.ts'
import { hostedProject } from '../support/repository.ts'
import { serverProcess } from '../support/server-process.ts'
import { type House, startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

const VALUE = 'correct-horse-battery-staple-77'
const fileIn = async (dataDir: string, name: string) => (await readFile(join(dataDir, name), 'utf8')).trim()
const keysOf = (...texts: string[]) => Keyring.open(async () => texts)

/** What every secret is, opened with these keys and no others. */
async function opened(db: Db, keys: Keyring): Promise<string[]> {
  const rows = await db.selectFrom('secrets').selectAll().orderBy('id').execute()
  return Promise.all(rows.map((row) => keys.unseal(row.sealed!, placeOf(row))))
}
const rotated = (house: House) =>
  until(async () => {
    const { body } = await house.ask('GET /api/v1/server/key')
    return body.waiting === 0 && body
  })

test('a key in a file is changed while the server runs: everything is sealed with the new one, and nothing is lost', async () => {
  await using house = await startHouse()
  await using _ = await hostedProject(house, 'shop')
  for (const name of ['A_KEY', 'B_KEY'])
    await house.ask(`PUT /api/v1/projects/shop/secrets/${name}`, { value: VALUE })
  await house.ask('PUT /api/v1/organizations/default/secrets/C_KEY', { value: VALUE, branch: 'main' })
  const before = await fileIn(house.dataDir, 'secret.key')
  const old = await house.ask('GET /api/v1/server/key')
  const begun = await house.ask('POST /api/v1/server/key/rotate')
  expect(begun).toMatchObject({ status: 202, body: { from: 'file', sealed: 3 } })
  expect(begun.body.mark).not.toBe(old.body.mark)
  await rotated(house)
  const after = await fileIn(house.dataDir, 'secret.key')
  expect(after).not.toBe(before)
  expect(await opened(house.db, await keysOf(after))).toEqual([VALUE, VALUE, VALUE])
  await expect(opened(house.db, await keysOf(before))).rejects.toThrow(/another TAKT_SECRET_KEY/)
  await house.ask('PUT /api/v1/projects/shop/secrets/D_KEY', { value: VALUE })
  await house.restart()
  expect(await opened(house.db, await keysOf(after))).toHaveLength(4)
})

test('secrets of hooks change with the key, and those derived from the key before count until it is taken away', async () => {
  await using house = await startHouse()
  await using _ = await hostedProject(house, 'shop')
  const hook = async () => (await house.ask('GET /api/v1/projects/shop/hook')).body.secret as string
  const delivered = async (secret: string) => {
    const body = '{}'
    const headers = {
      'x-takt-signature': sign(secret, Buffer.from(body)),
      'x-takt-delivery': crypto.randomUUID(),
    }
    return (await house.ask('POST /hooks/git?project=shop', body, { as: null, headers })).status
  }
  const first = await hook()
  await house.ask('POST /api/v1/server/key/rotate')
  await rotated(house)
  const second = await hook()
  expect(second).not.toBe(first)
  expect([await delivered(first), await delivered(second)]).toEqual([202, 202])
  await rm(join(house.dataDir, 'secret.key.previous'))
  await house.restart()
  expect([await delivered(first), await delivered(second)]).toEqual([401, 202])
})

test('a key of the settings is changed by people: without a new one there is nothing to change to', async () => {
  await using database = await freshDatabase()
  const [first, second] = ['the first key, of thirty-two letters', 'the second key, of thirty-two letters']
  const shared = { DATABASE_URL: database.url }
  {
    await using house = await startHouse({ ...shared, TAKT_SECRET_KEY: first })
    await house.ask('POST /api/v1/projects', { name: 'shop' })
    await house.ask('PUT /api/v1/projects/shop/secrets/KEY', { value: VALUE })
    const refused = await house.ask('POST /api/v1/server/key/rotate')
    expect(refused).toMatchObject({ status: 409, body: { code: 'no-new-key' } })
    expect(refused.body.detail).toContain('TAKT_SECRET_KEY_PREVIOUS')
    expect(refused.text).not.toContain(first)
  }
  await using house = await startHouse({
    ...shared,
    TAKT_SECRET_KEY: second,
    TAKT_SECRET_KEY_PREVIOUS: first,
  })
  // until somebody says so, what is new is sealed as all the others seal
  await house.ask('PUT /api/v1/projects/shop/secrets/OTHER', { value: VALUE })
  expect(await opened(database.db, await keysOf(first))).toEqual([VALUE, VALUE])
  expect((await house.ask('POST /api/v1/server/key/rotate')).status).toBe(202)
  await rotated(house)
  expect(await opened(database.db, await keysOf(second))).toEqual([VALUE, VALUE])
})

test('a server that does not know the key that seals says so, and seals with no other', async () => {
  await using house = await startHouse()
  await house.ask('POST /api/v1/projects', { name: 'shop' })
  await house.db
    .insertInto('sealing_key')
    .values({ mark: Buffer.from('unknown!') })
    .onConflict((oc) => oc.column('one').doUpdateSet({ mark: Buffer.from('unknown!') }))
    .execute()
  const refused = await house.ask('PUT /api/v1/projects/shop/secrets/KEY', { value: VALUE })
  expect(refused).toMatchObject({ status: 503, body: { code: 'key-not-known' } })
  expect(refused.text).not.toContain(VALUE)
})

const MANY = 6_000

test('a server killed with -9 in the middle leaves everything readable, and the next one goes on', async () => {
  await using database = await freshDatabase()
  const { db } = database
  await using stack = new AsyncDisposableStack()
  const dataDir = await mkdtemp(join(tmpdir(), 'takt-rotate-'))
  stack.defer(() => rm(dataDir, { recursive: true, force: true, maxRetries: 5 }))
  await chmod(dataDir, 0o755)
  const settings = { DATABASE_URL: database.url, TAKT_DATA: dataDir, HOME: dataDir }
  const [changing, other] = [
    stack.use(await serverProcess(settings)),
    stack.use(await serverProcess(settings)),
  ]
  const authorization = `Bearer ${await fileIn(dataDir, 'token')}`
  const ask = (url: string, method: string, path: string, body?: object) =>
    fetch(`${url}/api/v1${path}`, {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
  await ask(other.url, 'POST', '/projects', { name: 'shop' })
  const before = await fileIn(dataDir, 'secret.key')
  await seedSecrets(db, before)

  await ask(changing.url, 'POST', '/server/key/rotate')
  const wrapped = async () => {
    const { rows } = await sql<{ count: number }>`
      select count(*)::int as count from secrets where substring(sealed from 2 for 8) = (select mark from sealing_key)`.execute(
      db,
    )
    return rows[0]!.count
  }
  await until(async () => (await wrapped()) > 0, { everyMs: 2 })
  await changing.kill()
  const half = await wrapped()
  expect(half).toBeLessThan(MANY)

  const both = await keysOf(await fileIn(dataDir, 'secret.key'), before)
  expect(new Set(await opened(db, both))).toEqual(new Set([VALUE]))
  // the other server was told nothing, and seals with the new key all the same
  expect((await ask(other.url, 'PUT', '/projects/shop/secrets/NEW', { value: VALUE })).status).toBe(200)
  expect(await wrapped()).toBe(half + 1)

  await changing.restart()
  await until(async () => (await wrapped()) === MANY + 1, { withinMs: 60_000 })
  expect(new Set(await opened(db, await keysOf(await fileIn(dataDir, 'secret.key'))))).toEqual(
    new Set([VALUE]),
  )
}, 120_000)

async function seedSecrets(db: Db, key: string): Promise<void> {
  const { id } = await db.selectFrom('projects').select('id').executeTakeFirstOrThrow()
  const user = await db.selectFrom('users').select('id').executeTakeFirstOrThrow()
  const wrapping = wrappingKey(key)
  const rowOf = (number: number) => rowFor({ project: id, user: user.id, name: `KEY_${number}` }, wrapping)
  const rows = Array.from({ length: MANY }, (_, number) => rowOf(number))
  for (let at = 0; at < MANY; at += 1_000)
    await db
      .insertInto('secrets')
      .values(rows.slice(at, at + 1_000))
      .execute()
}

function rowFor(
  { project, user, name }: { project: ProjectId; user: UserId; name: string },
  wrapping: Buffer,
) {
  const row = { ...ofProject(project), name, ...EVERYWHERE }
  return {
    ...row,
    store: null,
    reference: null,
    sealed: seal(VALUE, placeOf(row), wrapping),
    updated_by: user,
  }
}

test('everything that is sealed is wrapped anew: no table with something sealed is missing', async () => {
  await using database = await freshDatabase()
  const { rows } = await sql<{ name: string }>`
    select table_name as name from information_schema.columns
    where table_schema = 'public' and column_name ~ 'sealed' order by 1`.execute(database.db)
  expect(rows.map(({ name }) => name)).toEqual(SEALED.map(({ table }) => table).toSorted())
})
