import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { leased } from '../support/leased.ts'
import { steeredLine } from '../support/steer.ts'

const DIGEST = `sha256:${'a1'.repeat(32)}`
const SHIP = `resources: { src: { git: . }, image: { registry: "127.0.0.1:5000/shop" } }
jobs:
  build: { get: src, when: push, put: { image: { build: . } } }
  scan: { get: image, run: x }
  deploy: { needs: scan, run: x }
`

test('an image that a run put starts the jobs that get it, and those behind them get exactly that one', async () => {
  await using it = await steeredLine(SHIP)
  await it.push()
  const build = await leased(it)
  expect(build.plan.steps).toMatchObject([
    { kind: 'put', put: { kind: 'image', repository: '127.0.0.1:5000/shop' } },
  ])
  const put = await build.put('image', { kind: 'image', digest: DIGEST, tags: ['v1', 'v1.2'] })
  const ref = `127.0.0.1:5000/shop@${DIGEST}`
  const fields = { ref, digest: DIGEST, repository: '127.0.0.1:5000/shop', tag: 'v1' }
  expect(put).toMatchObject({ status: 200, body: { version: DIGEST, fields } })
  const scan = await leased(it)
  expect(scan.plan).toMatchObject({ job: 'scan', env: { IMAGE_REF: ref, IMAGE_DIGEST: DIGEST } })
  const newer = DIGEST.replaceAll('a1', 'b2')
  await build.put('image', { kind: 'image', digest: newer, tags: [] })
  await scan.end('succeed')
  const rest = [await leased(it), await leased(it)].map(({ plan }) => [plan.job, plan.env['IMAGE_DIGEST']])
  expect(rest.toSorted()).toEqual([
    ['deploy', DIGEST],
    ['scan', newer],
  ])
})

const RELEASE = `resources:
  src: { git: . }
  release: { semver: { initial: 1.0.0 } }
  settings: { params: { REGION: eu, SIZE: "1" } }
  tfstate: { state: {} }
  bundle: { files: {} }
jobs:
  cut:
    get: src
    when: push
    put: { release: { bump: minor }, settings: { set: { SIZE: "2" } }, tfstate: {}, bundle: {} }
  next: { get: [release, bundle], run: x }
`
const SEMVER = { kind: 'semver', bump: 'minor', pre: null }

test('a version number goes up from the newest, once for each run, however often it is said', async () => {
  await using it = await steeredLine(RELEASE)
  await it.push()
  const first = await leased(it)
  const told = await Promise.all([first.put('release', SEMVER), first.put('release', SEMVER)])
  const one = { version: '1.1.0', fields: { version: '1.1.0', major: '1', minor: '1', patch: '0' } }
  expect(told.map(({ body }) => body)).toEqual([one, one])
  await first.end('succeed')
  await it.push()
  const second = await leased(it)
  expect((await second.put('release', { ...SEMVER, pre: 'rc' })).body.version).toBe('1.2.0-rc.1')
})

test('two runs at once raise a version number twice', async () => {
  await using it = await steeredLine(RELEASE)
  await it.push()
  await it.push()
  const runs = [await leased(it), await leased(it)]
  const told = await Promise.all(runs.map((run) => run.put('release', SEMVER)))
  expect(told.map(({ body }) => body.version).toSorted()).toEqual(['1.1.0', '1.2.0'])
})

test('keys that are set leave the others as they were, and each put of them is the newest version', async () => {
  await using it = await steeredLine(RELEASE)
  await it.push()
  const run = await leased(it)
  const settings = await run.put('settings', { kind: 'params', set: { SIZE: '2' } })
  expect(settings.body).toEqual({ version: '2', fields: { REGION: 'eu', SIZE: '2' } })
  const state = (set: object, folder: string | null = null) => ({ kind: 'state', folder, set })
  expect((await run.put('tfstate', state({ serial: '4' }, 'f1'))).body.fields).toEqual({
    serial: '4',
    version: '1',
  })
  expect((await run.put('tfstate', state({ serial: '5' }))).body.fields).toEqual({
    serial: '4',
    version: '1',
  })
})

test('a folder is a version, and who gets it is told which one', async () => {
  await using it = await steeredLine(RELEASE)
  await it.push()
  const run = await leased(it)
  await run.put('release', SEMVER)
  expect((await run.put('bundle', { kind: 'files', folder: 'f7' })).body.version).toBe('f7')
  await run.end('succeed')
  const next = await leased(it)
  expect(next.plan.gets).toEqual([
    { kind: 'values', resource: 'release', version: '1.1.0' },
    { kind: 'files', resource: 'bundle', version: 'f7' },
  ])
})

const CUSTOM = `resource_types: { odd: { image: "example.org/odd:1", source: { host: h, tls: true } } }
resources: { src: { git: . }, odd: { type: odd, source: { uri: u, port: 8080 } } }
jobs:
  make: { get: src, when: push, put: { odd: { depth: 3, "quoted": "3", tag: $(src.branch) } } }
  take: { get: { odd: { params: { skip: true, from: $(takt.lane) } } }, run: x }
`
test('a version that an image told is handed on as it was told', async () => {
  await using it = await steeredLine(CUSTOM)
  await it.push()
  const run = await leased(it)
  expect(run.plan.steps).toMatchObject([{ put: { params: { depth: 3, quoted: '3', tag: 'main' } } }])
  const version = { path: 'a/b', etag: '7' }
  const metadata = [{ name: 'size', value: '12 MB' }]
  const put = await run.put('odd', { kind: 'custom', version, metadata })
  expect(put.body).toEqual({ version: '{"etag":"7","path":"a/b"}', fields: version })
  const taken = await leased(it)
  expect(taken.plan.gets).toEqual([
    {
      kind: 'custom',
      resource: 'odd',
      image: 'example.org/odd:1',
      source: { host: 'h', tls: true, uri: 'u', port: 8080 },
      version,
      params: { skip: true, from: 'main' },
    },
  ])
})

test('a commit that a run pushed is a version like one that was told by its forge', async () => {
  await using it = await steeredLine(`resources: { src: { git: . }, docs: { git: ., branch: docs } }
jobs:
  write: { get: src, when: push, put: { docs: { message: "Write it down" } } }
  publish: { get: docs, run: x }
`)
  await it.push()
  const run = await leased(it)
  const { url } = it.house
  expect(run.plan.steps).toMatchObject([
    { put: { kind: 'git', url: `${url}/git/shop.git`, branch: 'docs', message: 'Write it down' } },
  ])
  const remote = `${url.replace('://', `://run:${run.plan.run}.${run.lease}@`)}/git/shop.git`
  const sha = await it.clone.commit({ page: '1' }, 'Write it down')
  await it.clone.git('push', '-q', remote, 'HEAD:refs/heads/docs')
  const said = { kind: 'git', sha, branch: 'docs', message: 'Write it down', author: 'Ann' }
  expect((await run.put('docs', said)).body).toMatchObject({ version: sha, fields: { sha, branch: 'docs' } })
  const published = (await it.runs('publish')).map(({ lane, inputs }) => [lane, ...inputs])
  expect(published).toEqual([['main', `docs ${sha.slice(0, 7)}`]])
  await run.end('succeed')
  await expect(it.clone.git('push', '-q', remote, 'HEAD:refs/heads/other')).rejects.toThrow(/Authentication/)
})

describe('a put is refused', () => {
  test.each([
    ['with a lease that is not the run’s', 'release', SEMVER, randomUUID(), 409, 'stale-lease'],
    ['of what the job does not put', 'src', { kind: 'git' }, null, 422, 'invalid-request'],
    ['of what the pipeline has not', 'nothing', SEMVER, null, 404, 'resource-not-found'],
    ['of another kind', 'release', { kind: 'params', set: {} }, null, 422, 'bad-put'],
    [
      'with keys that no variable can have',
      'settings',
      { kind: 'params', set: { 'a b': '' } },
      null,
      422,
      'invalid-request',
    ],
    [
      'with a digest that is none',
      'release',
      { kind: 'image', digest: 'sha256:x', tags: [] },
      null,
      422,
      'invalid-request',
    ],
    ['that is not JSON', 'release', '{', null, 400, 'malformed-json'],
  ] as const)('%s', async (_, resource, said, lease, status, code) => {
    await using it = await steeredLine(RELEASE)
    await it.push()
    const run = await leased(it)
    expect(await run.put(resource, said as object, lease === null ? {} : { by: lease })).toMatchObject({
      status,
      body: { code },
    })
  })
  test('when the run is over', async () => {
    await using it = await steeredLine(RELEASE)
    await it.push()
    const run = await leased(it)
    await run.end('cancel')
    expect((await run.put('release', SEMVER)).status).toBe(409)
  })
})
