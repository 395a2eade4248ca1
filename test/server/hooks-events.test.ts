import { expect, test } from 'vitest'
import { fakeRegistry } from '../support/fake-registry.ts'
import { deliveries, settled } from '../support/github.ts'
import { hookOf, post, sendEvent, standardHeaders } from '../support/senders.ts'
import { steeredLine } from '../support/steer.ts'
import { until } from '../support/until.ts'

const LINE = `resources:
  src: { git: . }
  ticket: { event: { source: tracker, if: { action: closed, issue.project: [shop, cart] } } }
  any: { event: { source: tracker } }
jobs:
  test: { get: src, run: say x }
  triage: { get: ticket, run: say x }
  count: { get: any, run: say x }
`
const CLOSED = { action: 'closed', issue: { project: 'shop', number: 7 } }
const ended = async (house: Parameters<typeof deliveries>[0]) =>
  (await deliveries(house)).filter(({ state }) => state !== 'received')
const fromTracker = (house: Parameters<typeof deliveries>[0], count: number) =>
  until(async () => {
    const items = (await ended(house)).filter((each) => (each as { source?: string }).source === 'events')
    return items.length === count && items
  })

test('a signed event is stored, answered 202, and is a version of each resource that asks for it, with its payload', async () => {
  await using it = await steeredLine(LINE)
  await it.push()
  expect(await sendEvent(it.house, CLOSED, { id: 'e1' })).toMatchObject({
    status: 202,
    body: { duplicate: false },
  })
  expect((await fromTracker(it.house, 1))[0]).toMatchObject({
    ...{ state: 'processed', project: 'shop' },
    reason: 'shop/main: ticket; shop/main: any',
  })
  expect((await it.runs()).map(({ job, inputs }) => [job, ...inputs]).slice(1)).toEqual([
    ['triage', 'ticket e1'],
    ['count', 'any e1'],
  ])
  const versions = await it.house.db
    .selectFrom('versions')
    .innerJoin('resources', 'resources.id', 'versions.resource_id')
    .select(['versions.body', 'versions.delivery_id'])
    .where('resources.name', '=', 'ticket')
    .executeTakeFirstOrThrow()
  expect(versions).toMatchObject({
    body: { fields: { 'issue.number': '7' } },
    delivery_id: expect.anything(),
  })
})

test('what a resource does not ask for is passed over, and the delivery says which condition was not met', async () => {
  await using it = await steeredLine(LINE)
  await it.push()
  await sendEvent(it.house, { action: 'closed', issue: { project: 'blog' } })
  expect((await fromTracker(it.house, 1))[0]!.reason).toBe(
    'shop/main: any; shop/main: `ticket` asks for `issue.project`: `shop` or `cart`, and there stands `blog`',
  )
})

test('an event that is told twice counts once, whatever its time and signature are', async () => {
  await using it = await steeredLine(LINE)
  await it.push()
  await sendEvent(it.house, CLOSED, { id: 'e1' })
  expect((await sendEvent(it.house, CLOSED, { id: 'e1', atMs: Date.now() - 60_000 })).body.duplicate).toBe(
    true,
  )
  await fromTracker(it.house, 1)
  expect(await it.runs('triage')).toHaveLength(1)
})

test('an event whose signature is wrong, old or missing is refused with 401, stored nowhere, and on record', async () => {
  await using it = await steeredLine(LINE)
  const { url, secret } = await hookOf(it.house, 'events')
  const body = JSON.stringify(CLOSED)
  const other = await hookOf(it.house, 'events', 'another')
  const bad: Record<string, string>[] = [
    {},
    standardHeaders(other.secret, body),
    standardHeaders(secret, `${body} `),
    standardHeaders(secret, body, { atMs: Date.now() - 310_000 }),
    standardHeaders(secret, body, { atMs: Date.now() + 310_000 }),
    { ...standardHeaders(secret, body), 'webhook-id': 'another' },
    { ...standardHeaders(secret, body), 'webhook-timestamp': 'now' },
  ]
  for (const headers of bad)
    expect(await post(it.house, url, body, headers)).toMatchObject({
      status: 401,
      body: { code: 'bad-signature' },
    })
  expect(await deliveries(it.house)).toEqual([])
  const { items } = (await it.house.ask('GET /api/v1/audit?action=hook.deliver')).body
  expect(items).toMatchObject([
    { actor: 'nobody', outcome: 'denied', target: '/hooks/events?project=shop&source=tracker' },
  ])
  const both = { ...standardHeaders(secret, body) }
  both['webhook-signature'] = `v1,${Buffer.alloc(32).toString('base64')} ${both['webhook-signature']}`
  expect((await post(it.house, url, body, both)).status).toBe(202)
})

test.each([
  ['no JSON', 'hello', 'the body is not JSON'],
  ['a list', '[1]', 'the body of an event must be a JSON object'],
])('a signed event that is %s is kept and set aside, with the reason', async (_, body, reason) => {
  await using it = await steeredLine(LINE)
  expect((await sendEvent(it.house, {}, { body })).status).toBe(202)
  expect((await settled(it.house, 1))[0]).toMatchObject({
    state: 'failed',
    reason: expect.stringContaining(reason),
  })
})

test('an event that is too large, or not JSON by its type, is refused before it is believed', async () => {
  await using it = await steeredLine(LINE)
  const { url, secret } = await hookOf(it.house, 'events')
  const big = `"${'x'.repeat(25 * 1024 * 1024)}"`
  expect((await post(it.house, url, big, standardHeaders(secret, big))).status).toBe(413)
  const headers = { ...standardHeaders(secret, '{}'), 'content-type': 'text/plain' }
  expect((await post(it.house, url, '{}', headers)).status).toBe(415)
})

test('a registry’s notification has the resources that watch the image looked for, and no others', async () => {
  await using registry = await fakeRegistry('acme/shop')
  registry.push('v1', 'one')
  await using it = await steeredLine(`resources:
  src: { git: . }
  image: { registry: ${registry.host}/acme/shop, tag: v*, check: 24h }
jobs:
  test: { get: src, run: say x }
  deploy: { get: image, run: say x }
`)
  await it.push()
  const asked = () => registry.asked.filter((line) => line.includes('/tags/list')).length
  await until(() => asked() > 0)
  const before = asked()
  const { url, secret } = await hookOf(it.house, 'registry')
  const told = (repository: string, tag: string) =>
    JSON.stringify({
      events: [
        {
          ...{ id: '320678d8', timestamp: '2026-11-21T12:00:00Z', action: 'push' },
          target: {
            mediaType: 'application/vnd.oci.image.manifest.v1+json',
            repository,
            tag,
            digest: 'sha256:1',
          },
          request: { host: 'registry:5000', method: 'PUT' },
        },
      ],
    })
  const type = { 'content-type': 'application/vnd.docker.distribution.events.v1+json' }
  const send = (body: string, token = secret) =>
    post(it.house, url, body, { ...type, authorization: `Bearer ${token}` })
  expect((await send(told('acme/shop', 'v1'), 'another')).status).toBe(401)
  expect((await send(told('acme/other', 'v1'))).status).toBe(202)
  expect((await send(told('acme/shop', 'nightly'))).status).toBe(202)
  expect((await send(told('acme/shop', 'v1'))).status).toBe(202)
  expect((await send(told('acme/shop', 'v1'))).body.duplicate).toBe(true)
  const told4 = await settled(it.house, 4)
  const reasons = told4.map(({ state, reason }) => `${state}: ${reason}`)
  expect(reasons.slice(0, 3)).toEqual([
    'processed: shop/main: image is looked for',
    'ignored: no registry resource that a job of `shop` gets watches acme/shop:nightly',
    'ignored: no registry resource that a job of `shop` gets watches acme/other:v1',
  ])
  await until(() => asked() > before)
})
