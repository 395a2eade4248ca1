import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { git } from '../../server/forges/git.ts'
import { type House, startHouse } from '../support/server.ts'
import { cloneOf, hostedProject } from '../support/repository.ts'
import { until } from '../support/until.ts'

const FILE = { '.takt.yml': 'jobs: { test: { run: say x } }' }

test('what is pushed can be cloned again, and is on record when git says so', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  const sha = await clone.push(FILE)
  const stored = await house.db.selectFrom('deliveries').selectAll().execute()
  expect(stored).toMatchObject([{ source: 'hosted', event: 'push' }])
  await using other = await cloneOf(await clone.git('remote', 'get-url', 'origin'))
  await other.git('fetch', '-q', 'origin', 'main')
  expect(await other.git('rev-parse', 'FETCH_HEAD')).toBe(sha)
})

test('many pushes in a row are as many deliveries, in order', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  const shas: string[] = []
  for (let count = 0; count < 5; count++) shas.push(await clone.push({ ...FILE, count: String(count) }))
  const bodies = await house.db.selectFrom('deliveries').select('body').orderBy('id').execute()
  expect(bodies.map((row) => JSON.parse(row.body.toString()).after)).toEqual(shas)
})

test('pushes at the same moment are as many deliveries', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await clone.push(FILE)
  const shas = [
    await clone.commit({ a: '1' }),
    await clone.commit({ a: '2' }),
    await clone.commit({ a: '3' }),
  ]
  await Promise.all(
    shas.map((sha, index) => clone.git('push', '-q', 'origin', `${sha}:refs/heads/b${index}`)),
  )
  const bodies = await house.db.selectFrom('deliveries').select('body').execute()
  expect(
    bodies
      .map((row) => JSON.parse(row.body.toString()).after)
      .slice(1)
      .toSorted(),
  ).toEqual(shas.toSorted())
})

test('a push that a server did not live to note is noted when the next one starts', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  const sha = await clone.push(FILE)
  const dir = join(house.dataDir, 'git', 'shop.git')
  await git(['update-ref', 'refs/heads/rescued', sha], { dir })
  await house.restart()
  const lanes = await until(async () => {
    const { body } = await house.ask('GET /api/v1/projects/shop/pipelines/main')
    return body.lanes?.length === 2 && body.lanes
  })
  expect(lanes.map((lane: { name: string }) => lane.name).toSorted()).toEqual(['main', 'rescued'])
})

test.each([
  ['nothing', '', 'Authentication failed|could not read Username'],
  ['a wrong token', 'ann:wrong@', 'Authentication failed'],
  ['a lease that is nobody’s', `run-1:${'x'.repeat(43)}@`, 'Authentication failed'],
])('who shows %s reads nothing', async (_, credentials, says) => {
  await using house = await startHouse()
  await using _clone = await hostedProject(house, 'shop')
  await using stranger = await cloneOf(`${house.url.replace('://', `://${credentials}`)}/git/shop.git`)
  await expect(stranger.git('fetch', 'origin')).rejects.toThrow(new RegExp(says))
})

test('a repository that is not there is not told from one that is, to strangers', async () => {
  await using house = await startHouse()
  await using _clone = await hostedProject(house, 'shop')
  const look = (name: string) =>
    house.ask(`GET /git/${name}.git/info/refs?service=git-upload-pack`, undefined, { as: null })
  expect((await look('shop')).status).toBe(401)
  expect((await look('none')).status).toBe(401)
})

test.each([
  '/git/shop.git/config',
  '/git/shop.git/HEAD',
  '/git/shop.git/objects/info/packs',
  '/git/shop/info/refs',
])('%s is not served', async (path) => {
  await using house = await startHouse()
  await using _clone = await hostedProject(house, 'shop')
  expect(await askRaw(house, path)).toMatchObject({ status: 404 })
})

test.each([
  '/git/../token',
  '/git/shop.git/../../token',
  '/git/%2e%2e/token',
  '/git/..%2ftoken',
  '/%2e%2e/%2e%2e/data/token',
  '/assets/..%2f..%2f..%2fpackage.json',
])('%s does not climb out', async (path) => {
  await using house = await startHouse()
  const { text } = await askRaw(house, path)
  expect(text).not.toContain(house.token)
  expect(text).not.toContain('"dependencies"')
})

/** With the path as it is written: fetch would tidy it up first. */
async function askRaw(house: House, path: string): Promise<{ status: number | undefined; text: string }> {
  const { hostname, port } = new URL(house.url)
  const asked = request({ hostname, port, path, auth: `x:${house.token}` }).end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  let text = ''
  for await (const piece of answer) text += String(piece)
  return { status: answer.statusCode, text }
}

test('a repository’s own hooks are not run', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await clone.push(FILE)
  const hooks = await readdir(join(house.dataDir, 'git', 'shop.git', 'hooks')).catch(() => [])
  expect(hooks.every((hook) => hook.endsWith('.sample'))).toBe(true)
})
