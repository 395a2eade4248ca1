import { createHmac, randomUUID } from 'node:crypto'
import { createConnection } from 'node:net'
import { expect, test } from 'vitest'
import { GITHUB_SECRET, type House, startHouse } from '../support/server.ts'
import { publicGit } from '../support/public-git.ts'
import { until } from '../support/until.ts'

const signed = (body: string | Uint8Array, secret = GITHUB_SECRET) =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`

type Told = { event?: string; id?: string; signature?: string; type?: string }
const github = (house: House, body: string | Uint8Array, told: Told = {}) =>
  house.ask('POST /hooks/github', body, {
    as: null,
    headers: {
      'content-type': told.type ?? 'application/json',
      'x-github-event': told.event ?? 'push',
      'x-github-delivery': told.id ?? randomUUID(),
      'x-hub-signature-256': told.signature ?? signed(body),
    },
  })

const pushOf = (url: string, after: string, ref = 'refs/heads/main', more: object = {}) =>
  JSON.stringify({
    ref,
    before: '0'.repeat(40),
    after,
    deleted: /^0+$/.test(after),
    repository: { id: 42, full_name: 'acme/shop', clone_url: url, default_branch: 'main' },
    ...more,
  })

const deliveries = async (house: House) => (await house.ask('GET /api/v1/deliveries')).body.items
const settled = (house: House, count: number) =>
  until(async () => {
    const items = await deliveries(house)
    return (
      items.length === count && items.every((item: { state: string }) => item.state !== 'received') && items
    )
  })

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

test.each([
  ['missing', ''],
  ['of another secret', signed('{}', 'another secret, quite another')],
  ['of another body', signed('{ }')],
  ['in upper case', signed('{}').toUpperCase().replace('SHA256', 'sha256')],
  ['of SHA-1', `sha1=${createHmac('sha1', GITHUB_SECRET).update('{}').digest('hex')}`],
  ['told twice', `${signed('{}')}, ${signed('{}')}`],
  ['with text behind it', `${signed('{}')}x`],
])('a signature that is %s is refused with 401 and nothing is stored', async (_, signature) => {
  await using house = await startHouse()
  expect(await github(house, '{}', { signature })).toMatchObject({
    status: 401,
    body: { code: 'bad-signature' },
  })
  expect(await deliveries(house)).toEqual([])
})

test('a delivery told twice is one delivery, by its number and by its signature', async () => {
  await using house = await startHouse()
  const body = pushOf('https://github.com/acme/shop.git', 'a'.repeat(40))
  const id = randomUUID()
  expect((await github(house, body, { id })).body.duplicate).toBe(false)
  expect((await github(house, body, { id })).body).toEqual({ delivery: null, duplicate: true })
  expect((await github(house, body, { id: randomUUID() })).body.duplicate).toBe(true)
  expect((await github(house, body.replace('main', 'next'), { id })).body.duplicate).toBe(true)
  expect(await settled(house, 1)).toHaveLength(1)
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

test('a repository keeps its project when it is renamed', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  await house.ask('POST /api/v1/projects', { name: 'shop', repository: { url: git.url } })
  const sha = await git.clone.push({ '.takt.yml': 'jobs: { test: { run: say x } }' })
  await github(house, pushOf(git.url, sha))
  await settled(house, 1)
  const renamed = git.url.replace('shop.git', 'store.git')
  await github(house, pushOf(renamed, '0'.repeat(40), 'refs/heads/gone'))
  expect((await settled(house, 2))[0]).toMatchObject({ state: 'processed', project: 'shop' })
  expect((await house.ask('GET /api/v1/projects/shop')).body.repository.url).toBe(renamed)
})

test.each([
  ['another content type is 415', { type: 'application/x-www-form-urlencoded' }, 415, 'wrong-content-type'],
  ['a delivery number that is no word is 422', { id: 'a b' }, 422, 'invalid-request'],
])('%s', async (_, told, status, code) => {
  await using house = await startHouse()
  expect(await github(house, '{}', told)).toMatchObject({ status, body: { code } })
})

test('a body over 25 MB is cut off while it is read', async () => {
  await using house = await startHouse()
  const { hostname, port } = new URL(house.url)
  const socket = createConnection({ host: hostname, port: Number(port) })
  socket.setMaxListeners(0)
  socket.write(
    'POST /hooks/github HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n',
  )
  let answer = ''
  socket.on('data', (words) => (answer += words.toString()))
  socket.on('error', () => {}) // the server may close on us in mid-sentence: that is the point
  const piece = Buffer.alloc(1024 * 1024, 0x20)
  for (let sent = 0; sent < 40 && answer === '' && !socket.destroyed; sent++) {
    socket.write('100000\r\n')
    socket.write(piece)
    await new Promise<void>((resolve) =>
      socket.write('\r\n') ? resolve() : socket.once('drain', resolve).once('close', resolve),
    )
    await new Promise(setImmediate)
  }
  await until(() => answer.includes('\r\n\r\n'))
  socket.destroy()
  expect(answer).toMatch(/^HTTP\/1.1 413 /)
  expect(await deliveries(house)).toEqual([])
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
  expect(stored.body.equals(Buffer.from(body))).toBe(true)
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
  expect((await settled(house, 1))[0].state).toBe('processed')
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
  expect(failed.reason).toContain('the commit could not be read')
  await git.clone.git('push', '-q', 'origin', 'HEAD:main')
  expect((await house.ask(`POST /api/v1/deliveries/${failed.id}/replay`)).status).toBe(202)
  expect((await settled(house, 1))[0].state).toBe('processed')
})
