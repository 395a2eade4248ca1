import { expect, test } from 'vitest'
import { deliveries, github, pushOf, settled } from '../support/github.ts'
import { startHouse } from '../support/server.ts'
import { publicGit } from '../support/public-git.ts'
import { until } from '../support/until.ts'

test('a signed push is stored, answered 202, and becomes a version and a run', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  await house.ask('POST /api/v1/projects', { name: 'shop', repository: { url: git.url } })
  const sha = await git.clone.push(
    { '.takt.yml': 'jobs: { test: { run: say x } }' },
    { message: 'Sell things' },
  )
  const answer = await github(house, pushOf(git.url, sha))
  expect(answer).toMatchObject({ status: 202, body: { delivery: 1, duplicate: false } })
  expect((await settled(house, 1))[0]).toMatchObject({
    state: 'processed',
    project: 'shop',
    reason: `shop/main: src ${sha.slice(0, 7)} on main`,
  })
  const [run] = await until(async () => {
    const { items } = (await house.ask('GET /api/v1/runs')).body
    return items.length > 0 && items
  })
  expect(run).toMatchObject({
    job: 'test',
    state: 'queued',
    inputs: [{ version: sha, title: 'Sell things', author: 'Ann' }],
  })
})

test('a repository that no project uses is answered 202 and ignored, with the reason', async () => {
  await using house = await startHouse()
  expect((await github(house, pushOf('https://github.com/Acme/Shop.git', 'a'.repeat(40)))).status).toBe(202)
  expect((await settled(house, 1))[0]).toMatchObject({
    state: 'ignored',
    reason: expect.stringContaining('no project uses the repository https://github.com/acme/shop.git'),
  })
})

test('ping, create and events of no consequence are ignored, with the reason', async () => {
  await using house = await startHouse()
  const repository = { id: 1, clone_url: 'https://github.com/a/b.git' }
  await github(house, JSON.stringify({ zen: 'Keep it logically awesome.' }), { event: 'ping' })
  await github(house, JSON.stringify({ ref: 'x', ref_type: 'branch', repository }), { event: 'create' })
  await github(house, JSON.stringify({ action: 'starred', repository }), { event: 'star' })
  const reasons = (await settled(house, 3)).map(
    (item: { state: string; reason: string }) => `${item.state}: ${item.reason}`,
  )
  expect(reasons).toEqual([
    'ignored: the event `star` starts nothing',
    'ignored: a new ref comes with a push of its own',
    'ignored: ping: the hook works',
  ])
})

test('a deleted branch closes its lane, told by delete or by a push to nothing', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  await house.ask('POST /api/v1/projects', { name: 'shop', repository: { url: git.url } })
  const sha = await git.clone.push({ '.takt.yml': 'jobs: { test: { run: say x } }' })
  await github(house, pushOf(git.url, sha))
  await github(house, pushOf(git.url, sha, 'refs/heads/a/b'))
  await github(house, pushOf(git.url, sha, 'refs/heads/c'))
  await github(
    house,
    JSON.stringify({ ref: 'a/b', ref_type: 'branch', repository: { id: 42, clone_url: git.url } }),
    { event: 'delete' },
  )
  await github(house, pushOf(git.url, '0'.repeat(40), 'refs/heads/c'))
  await settled(house, 5)
  const { body } = await house.ask('GET /api/v1/projects/shop/pipelines/main')
  const closed = body.lanes
    .filter((lane: { closed: boolean }) => lane.closed)
    .map((lane: { name: string }) => lane.name)
  expect(closed.toSorted()).toEqual(['a/b', 'c'])
})

test('a delivery number that is no word is refused', async () => {
  await using house = await startHouse()
  expect(await github(house, '{}', { id: 'a b' })).toMatchObject({
    status: 422,
    body: { code: 'invalid-request' },
  })
})

test.each([
  ['no JSON', 'hello', 'the body is not JSON'],
  ['invalid UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), 'the body is not JSON in UTF-8'],
  ['of another shape', '{"ref": 7}', 'the payload is not of the expected shape: ref'],
  [
    'a ref that git would refuse',
    pushOf('https://github.com/a/b.git', 'a'.repeat(40), 'refs/heads/--upload-pack=x y'),
    'not of the expected shape: ref',
  ],
  [
    'a ref that climbs',
    pushOf('https://github.com/a/b.git', 'a'.repeat(40), 'refs/heads/../../etc'),
    'not of the expected shape: ref',
  ],
  [
    'a commit that is no hash',
    pushOf('https://github.com/a/b.git', '--exec=x'),
    'not of the expected shape: after',
  ],
  [
    'huge strings and NULs',
    JSON.stringify({ ref: `refs/heads/${'x'.repeat(1_000_000)}\0` }),
    'not of the expected shape: ref',
  ],
])('a signed body that is %s is stored and set aside, with the reason', async (_, body, reason) => {
  await using house = await startHouse()
  expect((await github(house, body)).status).toBe(202)
  expect((await settled(house, 1))[0]).toMatchObject({
    state: 'failed',
    reason: expect.stringContaining(reason),
  })
  const stored = await house.db.selectFrom('deliveries').select('body').executeTakeFirstOrThrow()
  expect(stored.body!.equals(Buffer.from(body))).toBe(true)
})

test('NUL bytes and control characters in what a commit says do no harm', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  await house.ask('POST /api/v1/projects', { name: 'shop', repository: { url: git.url } })
  const sha = await git.clone.push(
    { '.takt.yml': 'jobs: { test: { run: say x } }' },
    { message: '"><img src=x onerror=alert(1)> \u001b[31m' },
  )
  const body = pushOf(git.url, sha, 'refs/heads/main', { commits: [{ message: 'a\0b' }] })
  await github(house, body)
  expect((await settled(house, 1))[0]!.state).toBe('processed')
})

test('a commit that cannot be fetched sets the delivery aside, and a replay mends it', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  await house.ask('POST /api/v1/projects', { name: 'shop', repository: { url: git.url } })
  const sha = await git.clone.commit({ '.takt.yml': 'jobs: { test: { run: say x } }' })
  await github(house, pushOf(git.url, sha))
  const [failed] = await until(
    async () =>
      (await deliveries(house)).some((item: { state: string }) => item.state === 'failed') &&
      deliveries(house),
    { withinMs: 20_000 },
  )
  expect(failed!.reason).toContain('the commit could not be read')
  await git.clone.git('push', '-q', 'origin', 'HEAD:main')
  expect((await house.ask(`POST /api/v1/deliveries/${failed!.id}/replay`)).status).toBe(202)
  expect((await settled(house, 1))[0]!.state).toBe('processed')
})
