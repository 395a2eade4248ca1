import { describe, expect, test } from 'vitest'
import { addressOf } from '../../server/checks/registry-api.ts'
import { type FakeRegistry, fakeRegistry } from '../support/fake-registry.ts'
import { steeredLine } from '../support/steer.ts'
import { until } from '../support/until.ts'

const LINE = '/api/v1/projects/shop/pipelines/main/resources/image'

/** A line whose one job gets an image. */
async function imageLine(registry: FakeRegistry, more = '') {
  const it =
    await steeredLine(`resources: { src: { git: . }, image: { registry: "${registry.host}/acme/shop", check: 1h${more} } }
jobs: { scan: { get: image, run: x } }
`)
  const standing = async () => (await it.house.ask(`GET ${LINE}`)).body.check
  const look = async () => {
    const before = (await standing()).checked_at
    await it.house.ask(`POST ${LINE}/check`)
    await until(async () => (await standing()).checked_at !== before)
  }
  const first = async () => {
    await it.push()
    await until(async () => (await standing())?.checked_at)
  }
  const versions = async () =>
    (await it.house.ask(`GET ${LINE}/versions`)).body.items.map((each: { name: string }) => each.name)
  return Object.assign(it, { standing, look, first, versions })
}

test('every digest that a tag comes to point to is the newest version and starts who gets it', async () => {
  await using registry = await fakeRegistry('acme/shop')
  const [nine, ten] = [registry.push('v9', 'a'), registry.push('v10', 'b')]
  await using it = await imageLine(registry)
  await it.first()
  expect(await it.versions()).toEqual([ten, nine])
  expect((await it.runs('scan')).map(({ lane, inputs }) => [lane, ...inputs])).toEqual([
    ['main', `image ${ten.slice(0, 7)}`],
  ])
  await it.look()
  const fixed = registry.push('v9.1', 'c')
  await it.look()
  expect(await it.versions()).toEqual([fixed, ten, nine])
  registry.push('v10', 'a')
  await it.look()
  expect(await it.versions()).toEqual([nine, fixed, ten])
  expect((await it.runs('scan')).length).toBe(3)
})

test('where nobody looked for a while only digests that are not known yet are new', async () => {
  await using registry = await fakeRegistry('acme/shop')
  const [one, two] = [registry.push('v1', 'a'), registry.push('v2', 'b')]
  await using it = await imageLine(registry)
  await it.first()
  await it.push({ '.takt.yml': 'jobs: { scan: { run: x } }' })
  expect(await it.house.db.selectFrom('checks').select('id').execute()).toEqual([])
  const three = registry.push('v3', 'c')
  await it.first()
  expect(await it.versions()).toEqual([three, two, one])
  const taken = (await it.runs('scan')).flatMap(({ inputs }) =>
    inputs.filter((each) => each.startsWith('image')),
  )
  expect(taken).toEqual([`image ${two.slice(0, 7)}`, `image ${three.slice(0, 7)}`])
})

test('a version of an image tells how to get it', async () => {
  await using registry = await fakeRegistry('acme/shop')
  const digest = registry.push('v1', 'a')
  registry.push('latest', 'a')
  await using it = await imageLine(registry)
  await it.first()
  const { body } = await it.house.db
    .selectFrom('versions')
    .select('body')
    .where('name', '=', digest)
    .executeTakeFirstOrThrow()
  const repository = `${registry.host}/acme/shop`
  expect(body).toEqual({ fields: { ref: `${repository}@${digest}`, digest, repository, tag: 'v1' } })
})

test('only tags that the file names are looked at, and one that it spells out costs one request', async () => {
  await using registry = await fakeRegistry('acme/shop')
  registry.push('nightly', 'a')
  const digest = registry.push('v1', 'b')
  await using globbed = await imageLine(registry, ', tag: "v*"')
  await globbed.first()
  expect(await globbed.versions()).toEqual([digest])
  registry.asked.length = 0
  await using named = await imageLine(registry, ', tag: v1')
  await named.first()
  expect(await named.versions()).toEqual([digest])
  expect(registry.asked).toEqual(['HEAD /v2/acme/shop/manifests/v1'])
})

test('a locked registry opens to the login of the resource, and without it says so in words', async () => {
  await using registry = await fakeRegistry('acme/shop', 'ann:secret')
  const digest = registry.push('v1', 'a')
  await using open = await imageLine(registry)
  await open.first()
  expect((await open.standing()).error).toEqual({
    code: 'registry_denied',
    message: `the registry does not show ${registry.host}/acme/shop to everybody: add \`login: NAME_OF_A_SECRET\``,
  })
  await using it = await imageLine(registry, ', login: REGISTRY')
  await it.first()
  expect((await it.standing()).error.message).toBe(
    'the secret `REGISTRY` is not there: set it with `takt secrets set shop REGISTRY`',
  )
  await it.house.ask('PUT /api/v1/projects/shop/secrets/REGISTRY', { value: 'ann:secret' })
  await it.look()
  expect(await it.versions()).toEqual([digest])
})

test.each([
  [404, 'registry_no_image'],
  [429, 'registry_limit'],
  [500, 'registry_failed'],
])('a registry that answers %i is named in words, and what was known stays', async (status, code) => {
  await using registry = await fakeRegistry('acme/shop')
  const digest = registry.push('v1', 'a')
  await using it = await imageLine(registry)
  await it.first()
  registry.failing = status
  await it.look()
  expect((await it.standing()).error.code).toBe(code)
  expect(await it.versions()).toEqual([digest])
})

test('a registry that is not there is no more than a reason', async () => {
  const registry = await fakeRegistry('acme/shop')
  await registry[Symbol.asyncDispose]()
  await using it = await imageLine(registry)
  await it.first()
  expect((await it.standing()).error.code).toBe('registry_unreachable')
})

describe('an image’s name leads to', () => {
  test.each([
    ['node', 'https://registry-1.docker.io', 'library/node'],
    ['acme/shop', 'https://registry-1.docker.io', 'acme/shop'],
    ['ghcr.io/acme/shop', 'https://ghcr.io', 'acme/shop'],
    ['localhost:5000/shop', 'http://localhost:5000', 'shop'],
    ['registry.acme.io:8443/a/b__c', 'https://registry.acme.io:8443', 'a/b__c'],
  ])('%s', (repository, origin, name) => expect(addressOf(repository)).toEqual({ origin, name }))
  test.each([
    '',
    'A/b',
    'a//b',
    '../x',
    'ghcr.io/',
    'ghcr.io/a/../b',
    'x@y/z',
    'ghcr.io/a?b',
    'user@host.io/a',
  ])('nothing where it is `%s`', (repository) =>
    expect(() => addressOf(repository)).toThrow(/not the name of an image/),
  )
})
