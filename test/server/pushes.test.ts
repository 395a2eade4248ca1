import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { type House, startHouse } from '../support/server.ts'
import { publicGit } from '../support/public-git.ts'
import { hostedProject } from '../support/repository.ts'
import { startRunner } from '../support/runner.ts'
import { line, settled, tell as tellOf, told, ZERO } from '../support/told.ts'
import { until } from '../support/until.ts'

const ONE = { '.takt.yml': 'jobs: { test: { run: say x } }' }
const TWO = { '.takt.yml': 'jobs: { test: { run: say x }, deploy: { needs: test, run: say y } }' }
const newest = async (house: House) => (await line(house)).resources[0].newest.name
const versionsRun = async (house: House, job: string) => {
  const { items } = (await house.ask(`GET /api/v1/runs?job=${job}`)).body
  return items.toReversed().map((run: { inputs: { version: string }[] }) => run.inputs.at(-1)!.version)
}

test('an old delivery that is replayed moves nothing backwards', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const tell = await told(house, git)
  const first = await git.clone.push(ONE)
  await tell(ZERO, first)
  const second = await git.clone.push(TWO)
  await tell(first, second)
  await house.ask('POST /api/v1/deliveries/1/replay')
  await settled(house)
  expect(await newest(house)).toBe(second)
  const { revision, jobs } = await line(house)
  expect(revision.sha).toBe(second)
  expect(jobs.map((job: { name: string }) => job.name)).toEqual(['test', 'deploy'])
})

test('a push that is overtaken on its way takes its place in the order, and the newer one stays in force', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const tell = await told(house, git)
  const first = await git.clone.push(ONE)
  await tell(ZERO, first)
  const second = await git.clone.push({ a: '2' })
  const third = await git.clone.push(TWO)
  await tell(second, third)
  const late = await tell(first, second)
  expect(late.reason).toContain('told late: newer ones stay in force')
  expect(await newest(house)).toBe(third)
  expect((await line(house)).revision.sha).toBe(third)
  const order = await house.db.selectFrom('versions').select('name').orderBy('seq').execute()
  expect(order.map((version) => version.name)).toEqual([first, second, third])
})

test('a branch that is moved back to an earlier commit runs that commit again', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await using _runner = await startRunner(house)
  const first = await clone.push(ONE)
  const second = await clone.push(TWO)
  await until(async () => (await versionsRun(house, 'deploy')).at(-1) === second)
  await clone.git('push', '-q', '--force', 'origin', `${first}:refs/heads/main`)
  await until(async () => (await versionsRun(house, 'test')).length === 3)
  expect(await versionsRun(house, 'test')).toEqual([first, second, first])
  expect(await newest(house)).toBe(first)
  expect((await line(house)).revision.sha).toBe(first)
})

test('a deletion that is replayed leaves a branch that was pushed again alone', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const tell = await told(house, git)
  const sha = await git.clone.push(ONE)
  const ref = 'refs/heads/feature'
  await tell(ZERO, sha, ref)
  await tell(sha, ZERO, ref)
  await tell(ZERO, sha, ref)
  await house.ask('POST /api/v1/deliveries/2/replay')
  const items = await settled(house)
  expect(items.find((item) => item.id === 2)!.reason).toBe('feature has been pushed to since')
  expect((await line(house)).lanes).toMatchObject([{ name: 'feature', closed: false }])
})

test('a push that is replayed after its branch is gone leaves the lane closed', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const tell = await told(house, git)
  const sha = await git.clone.push(ONE)
  await tell(ZERO, sha, 'refs/heads/feature')
  await tell(sha, ZERO, 'refs/heads/feature')
  await house.ask('POST /api/v1/deliveries/1/replay')
  await settled(house)
  expect((await line(house)).lanes).toMatchObject([{ name: 'feature', closed: true }])
})

test('a resource that is added or moved in the file does not stop the line', async () => {
  await using house = await startHouse()
  await using lib = await publicGit('lib')
  await using clone = await hostedProject(house, 'shop')
  await using _runner = await startRunner(house)
  const both = (order: string[]) =>
    `resources: { ${order.join(', ')} }\njobs: { test: { get: [lib, src], run: say x } }`
  const src = 'src: { git: . }'
  const other = `lib: { git: "${lib.url}" }`
  for (const count of ['1', '2', '3']) await clone.push({ ...ONE, count })
  await until(async () => (await versionsRun(house, 'test')).length === 3)
  await clone.push({ '.takt.yml': both([other, src]) })
  const waiting = await until(async () => (await line(house)).jobs[0].waiting)
  expect(waiting).toBe('waits for the first version of lib')

  await tellOf(house, 'push', {
    ref: 'refs/heads/main',
    before: ZERO,
    after: await lib.clone.push({ lib: '1' }),
    repository: { id: 7, clone_url: lib.url },
  })
  await until(async () => (await versionsRun(house, 'test')).length === 4)
  const last = await clone.push({ '.takt.yml': both([src, other]) })
  await until(async () => (await versionsRun(house, 'test')).length === 5)
  const { items } = (await house.ask('GET /api/v1/runs?job=test&limit=1')).body
  expect(items[0].inputs.map((input: { resource: string }) => input.resource)).toEqual(['src', 'lib'])
  expect(items[0].inputs[0].version).toBe(last)
})

test('a repository that is renamed to an address another one has keeps its deliveries moving', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const tell = await told(house, git)
  await house.ask('POST /api/v1/projects', {
    name: 'other',
    repository: { url: git.url.replace('shop.git', 'other.git') },
  })
  const sha = await git.clone.push(ONE)
  await tell(ZERO, sha)
  const renamed = {
    repository: { id: 42, clone_url: git.url.replace('shop.git', 'other.git'), default_branch: 'main' },
  }
  const last = await tell(sha, ZERO, 'refs/heads/none', renamed)
  expect(last).toMatchObject({ state: 'processed', project: 'shop' })
})

test('a payload that PostgreSQL cannot hold is set aside and holds up nobody', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const tell = await told(house, git)
  const sha = await git.clone.push(ONE)
  const poison = { repository: { id: 42, clone_url: git.url, default_branch: 'ma\0in' } }
  const refused = await tell(ZERO, sha, 'refs/heads/main', poison)
  expect(refused).toMatchObject({ state: 'failed', reason: expect.stringContaining('default_branch') })
  const next = await tell(ZERO, sha)
  expect(next.state).toBe('processed')
})

test('a git server that does not answer holds up its own repository only', async () => {
  await using house = await startHouse()
  const tarpit = createServer(() => {}).listen(0, '127.0.0.1')
  await once(tarpit, 'listening')
  const slow = `http://127.0.0.1:${(tarpit.address() as AddressInfo).port}/slow.git`
  await house.ask('POST /api/v1/projects', { name: 'slow', repository: { url: slow } })
  const { body: hook } = await house.ask('GET /api/v1/projects/slow/hook')
  const body = JSON.stringify({ ref: 'refs/heads/main', after: 'a'.repeat(40) })
  const signature = `sha256=${createHmac('sha256', hook.secret).update(body).digest('hex')}`
  await house.ask('POST /hooks/git?project=slow', body, {
    as: null,
    headers: { 'x-takt-delivery': '1', 'x-takt-signature': signature },
  })
  await using clone = await hostedProject(house, 'shop')
  await clone.push(ONE)
  await until(async () => (await house.ask('GET /api/v1/runs')).body.items.length === 1)
  expect(
    (await house.ask('GET /api/v1/deliveries')).body.items.map((item: { state: string }) => item.state),
  ).toEqual(['processed', 'received'])
  tarpit.close()
})

test('a server starts without the folder of a repository that is another one’s', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await clone.push(ONE)
  await settled(house)
  const dir = join(house.dataDir, 'git', 'shop.git')
  await rename(dir, `${dir}.away`)
  await house.restart()
  expect((await house.ask('GET /api/v1/projects/shop/pipelines/main')).status).toBe(200)
})
