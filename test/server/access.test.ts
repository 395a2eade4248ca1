import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { UserId } from '#pipelines/ids.ts'
import { sameSecret } from '../../server/access/derive.ts'
import { keyFile, newSecret } from '../../server/access/key-files.ts'
import { ensureToken, userOfToken } from '../../server/access/queries.ts'
import { operations } from '../support/operations.ts'
import { startHouse } from '../support/server.ts'

test('a wrong or expired token opens nothing, and says so', async () => {
  await using house = await startHouse()
  for (const operation of await operations(house)) {
    const { status, body } = await house.ask(operation, undefined, { as: 'takt_wrong' })
    expect({ operation, status, code: body.code }).toEqual({ operation, status: 401, code: 'bad-token' })
  }
  await house.db
    .updateTable('tokens')
    .set({ expires_at: new Date(0) })
    .execute()
  expect((await house.ask('GET /api/v1/me')).body.code).toBe('bad-token')
})

test('no token stands in the database', async () => {
  await using house = await startHouse({ TAKT_ADMIN_TOKEN: 'known-beforehand-by-all' })
  expect(
    (await house.ask('GET /api/v1/me', undefined, { as: 'known-beforehand-by-all' })).body,
  ).toMatchObject({
    name: 'admin',
    role: 'admin',
  })
  const rows = JSON.stringify(await house.db.selectFrom('tokens').selectAll().execute())
  expect(rows).not.toContain('known-beforehand')
})

test('a login link signs in once, by a cookie that scripts cannot read', async () => {
  await using house = await startHouse()
  const { body } = await house.ask('POST /api/v1/login-links')
  expect(body.url).toMatch(/\/login#[\w-]{43}$/)
  const link = body.url.split('#')[1]
  const signIn = () => house.ask('POST /api/v1/session', { link }, { as: null })
  const first = await signIn()
  expect(first).toMatchObject({ status: 200, body: { name: 'admin', role: 'admin' } })
  const cookie = first.headers.get('set-cookie') ?? ''
  expect(cookie).toMatch(/^takt_session=[\w-]{43}; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax$/)
  expect(await signIn()).toMatchObject({ status: 401, body: { code: 'bad-login-link' } })

  const session = { headers: { cookie: cookie.split(';')[0]! }, as: null }
  expect((await house.ask('GET /api/v1/me', undefined, session)).status).toBe(200)
  expect((await house.ask('DELETE /api/v1/session', undefined, session)).status).toBe(204)
  expect((await house.ask('GET /api/v1/me', undefined, session)).status).toBe(401)
})

test('a login link that is too old opens nothing', async () => {
  await using house = await startHouse()
  const { body } = await house.ask('POST /api/v1/login-links')
  await house.db
    .updateTable('login_links')
    .set({ expires_at: new Date(0) })
    .execute()
  expect(
    (await house.ask('POST /api/v1/session', { link: body.url.split('#')[1] }, { as: null })).status,
  ).toBe(401)
})

test('over https the cookie is for https only', async () => {
  await using house = await startHouse({ TAKT_URL: 'https://takt.example.org' })
  const { headers } = await house.ask('POST /api/v1/session')
  expect(headers.get('set-cookie')).toContain('; Secure')
})

test.each([
  ['GET /api/v1/runs/0', undefined, 422, 'invalid-request'],
  ['GET /api/v1/runs/abc', undefined, 422, 'invalid-request'],
  ['GET /api/v1/runs/99', undefined, 404, 'run-not-found'],
  ['GET /api/v1/runs/99/log', undefined, 404, 'run-not-found'],
  ['POST /api/v1/runs/99/cancel', {}, 404, 'run-not-found'],
  ['POST /api/v1/runs/99/retry', undefined, 404, 'run-not-found'],
  ['GET /api/v1/runs?state=green', undefined, 422, 'invalid-request'],
  ['GET /api/v1/runs?limit=100000', undefined, 422, 'invalid-request'],
  ['GET /api/v1/projects/none', undefined, 404, 'project-not-found'],
  ['GET /api/v1/projects/none/pipelines/main', undefined, 404, 'pipeline-not-found'],
  ['POST /api/v1/projects', { name: 'Bad Name' }, 422, 'invalid-request'],
  ['POST /api/v1/projects', { name: 'x', repository: { url: 'file:///etc' } }, 422, 'bad-repository'],
  [
    'POST /api/v1/projects',
    { name: 'x', repository: { url: 'https://u:p@example.org/x.git' } },
    422,
    'bad-repository',
  ],
  ['POST /api/v1/projects', '{"name":', 400, 'malformed-json'],
  ['POST /api/v1/deliveries/99/replay', undefined, 404, 'delivery-not-found'],
  ['GET /api/v1/none', undefined, 404, 'not-found'],
])('%s %j is refused with %i %s, in words', async (operation, body, status, code) => {
  await using house = await startHouse()
  const answer = await house.ask(operation, body)
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(answer).toMatchObject({
    status,
    body: { status, code, title: expect.any(String), detail: expect.stringMatching(/\S/) },
  })
})

test('the validator answers over the API as it does on the command line', async () => {
  await using house = await startHouse()
  const { body } = await house.ask('POST /api/v1/check', { text: 'jobs:\n  a: { run: x, neds: b }' })
  expect(body.diagnostics).toEqual([
    {
      severity: 'error',
      rule: 'unknown-key',
      message: 'unknown key `neds`',
      line: 2,
      column: 16,
      hint: 'did you mean `needs`?',
    },
  ])
})

test('a project’s name is taken once', async () => {
  await using house = await startHouse()
  const both = await Promise.all([
    house.ask('POST /api/v1/projects', { name: 'shop' }),
    house.ask('POST /api/v1/projects', { name: 'shop' }),
  ])
  expect(both.map((answer) => answer.status).toSorted()).toEqual([201, 409])
})

async function folder() {
  const path = await mkdtemp(join(tmpdir(), 'takt-keys-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) }
}

test('many that make a key file at once get the same secret, which only its owner can read', async () => {
  await using data = await folder()
  const secrets = await Promise.all(Array.from({ length: 20 }, () => keyFile(data.path, 'token')))
  expect(new Set(secrets).size).toBe(1)
  expect(await readFile(join(data.path, 'token'), 'utf8')).toBe(`${secrets[0]}\n`)
  expect((await stat(join(data.path, 'token'))).mode & 0o777).toBe(0o600)
  expect(await readdir(data.path)).toEqual(['token'])
})

test.each(['', '\n', 'takt_Zx3'])('a key file that a full disk left as %j is made anew', async (left) => {
  await using data = await folder()
  await writeFile(join(data.path, 'secret.key'), left)
  const secret = await keyFile(data.path, 'secret.key')
  expect(secret).toHaveLength(43)
  expect(await keyFile(data.path, 'secret.key')).toBe(secret)
  expect(await readdir(data.path)).toEqual(['secret.key'])
})

test('where no secret can be kept, that is said in words', async () => {
  await using data = await folder()
  await mkdir(join(data.path, 'token'))
  await expect(keyFile(data.path, 'token')).rejects.toThrow(/there is no secret in .*token, and none could/)
})

test('nothing is nobody’s secret', async () => {
  await using house = await startHouse()
  expect(sameSecret('', '')).toBe(false)
  expect(sameSecret('x', '')).toBe(false)
  expect(sameSecret('x', 'x')).toBe(true)
  const token = { user: 1 as UserId, name: 'empty', secret: '' }
  await expect(ensureToken(house.db, token)).rejects.toThrow('`empty` is empty')
  expect(await userOfToken(house.db, '')).toBeNull()
})

test('a new secret under a token’s name ends the old one, and none ends it altogether', async () => {
  await using house = await startHouse()
  const opens = async (secret: string) => (await userOfToken(house.db, secret)) !== null
  const [first, second] = [newSecret(), newSecret()]
  const name = { user: 1 as UserId, name: 'TAKT_ADMIN_TOKEN' }
  await ensureToken(house.db, { ...name, secret: first })
  await ensureToken(house.db, { ...name, secret: first })
  await ensureToken(house.db, { ...name, secret: second })
  expect([await opens(first), await opens(second), await opens(house.token)]).toEqual([false, true, true])
  // the same secret under two names is both of theirs, and outlives either
  await ensureToken(house.db, { ...name, secret: house.token })
  await ensureToken(house.db, { ...name, secret: null })
  expect([await opens(second), await opens(house.token)]).toEqual([false, true])
})

test('a token file that was made anew ends the token that was in it', async () => {
  await using house = await startHouse()
  await rm(join(house.dataDir, 'token'))
  await house.restart()
  expect(await house.ask('GET /api/v1/me')).toMatchObject({ status: 401, body: { code: 'bad-token' } })
  const as = await keyFile(house.dataDir, 'token')
  expect((await house.ask('GET /api/v1/me', undefined, { as })).status).toBe(200)
})
