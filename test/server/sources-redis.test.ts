import { describe, expect, test } from 'vitest'
import type { House } from '../support/server.ts'
import { lacksRedis, redisServer } from '../support/redis.ts'
import { steeredLine } from '../support/steer.ts'
import { until } from '../support/until.ts'

const PASSWORD = 'open sesame'
const PATH = '/api/v1/projects/shop/sources/orders'
const LINE = `resources: { paid: { event: { source: orders, if: { kind: paid } } } }
jobs: { ship: { get: paid, run: x } }
`
const lacks = lacksRedis()
if (lacks !== null) console.warn(`NOT TESTED: sources of Redis: ${lacks}`)

async function reading(said: object = {}) {
  const stack = new AsyncDisposableStack()
  const redis = stack.use(await redisServer(PASSWORD))
  const it = stack.use(await steeredLine(LINE, { TAKT_ALLOW_HOSTS: '127.0.0.1' }))
  await it.push()
  await it.house.ask('PUT /api/v1/projects/shop/secrets/REDIS', { value: `default:${PASSWORD}` })
  const settings = { kind: 'redis', addresses: [redis.address], stream: 'orders', login: 'REDIS', ...said }
  expect(await it.house.ask(`PUT ${PATH}`, settings)).toMatchObject({
    status: 200,
    body: { group: 'takt-shop' },
  })
  const source = async () => (await it.house.ask('GET /api/v1/projects/shop/sources')).body.items[0]
  await until(async () => (await source()).state === 'read')
  const tell = (fields: Record<string, string>) => redis.client.xAdd('orders', '*', fields)
  return { ...it, redis, source, tell, settings, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

const events = async (house: House, state = '') =>
  (await house.ask(`GET ${PATH}/events${state && `?state=${state}`}`)).body.items

describe.skipIf(lacks !== null)('a Redis stream', () => {
  test('each entry is an event once, and acknowledged when it is written down', async () => {
    await using it = await reading()
    const id = await it.tell({ kind: 'paid', number: '7' })
    await it.tell({ kind: 'lost' })
    await until(async () =>
      (await events(it.house)).every(({ state }: { state: string }) => state !== 'received'),
    )
    await until(async () => (await it.runs('ship')).length === 1)
    expect(await events(it.house)).toMatchObject([
      { state: 'ignored', reason: expect.stringContaining('no `event` resource asks for this') },
      { state: 'taken', event: id, reason: 'a version of `main/paid`' },
    ])
    await until(async () => (await it.redis.client.xPending('orders', 'takt-shop')).pending === 0)
    const { body } = await it.house.ask('GET /api/v1/projects/shop/pipelines/main/resources/paid/versions')
    expect(body.items).toMatchObject([{ name: id }])
  })

  test('what was handed out to a server that was killed before it said so makes one run', async () => {
    await using it = await reading()
    const id = await it.tell({ kind: 'paid' })
    await until(async () => (await it.runs('ship')).length === 1)
    // As if the server had been killed after it wrote one down, and before it wrote down another that it was handed.
    await it.house.ask(`DELETE ${PATH}`)
    await until(async () => (await it.redis.client.clientList()).length === 1)
    const { client } = it.redis
    const lost = await it.tell({ kind: 'paid' })
    await client.xGroupSetId('orders', 'takt-shop', '0')
    await client.xReadGroup('takt-shop', 'takt', { key: 'orders', id: '>' })
    expect((await client.xPending('orders', 'takt-shop')).pending).toBe(2)
    await it.house.ask(`PUT ${PATH}`, it.settings)
    await until(async () => (await client.xPending('orders', 'takt-shop')).pending === 0)
    await until(async () => (await it.runs('ship')).length === 2)
    const taken = (await events(it.house)).map(({ event }: { event: string }) => event)
    expect(taken).toEqual([lost, id])
    const { body } = await it.house.ask('GET /api/v1/projects/shop/pipelines/main/resources/paid/versions')
    expect(body.items.map(({ name }: { name: string }) => name)).toEqual([lost, id])
  })

  test('what cannot be read is a dead letter, and is replayed when it can', async () => {
    await using it = await reading({ field: 'body' })
    await it.tell({ text: '{"kind":"paid"}' })
    const [dead] = await until(async () => {
      const found = await events(it.house, 'dead')
      return found.length > 0 && found
    })
    expect(dead).toMatchObject({
      reason: 'the entry has no field `body`',
      payload: '{"text":"{\\"kind\\":\\"paid\\"}"}',
    })
    expect(await it.source()).toMatchObject({ dead: 1 })
    await it.house.ask(`PUT ${PATH}`, { ...it.settings, field: 'text' })
    expect((await it.house.ask(`POST ${PATH}/events/${dead.id}/replay`)).status).toBe(202)
    await until(async () => (await it.runs('ship')).length === 1)
    expect(await events(it.house)).toMatchObject([{ state: 'taken' }])
    expect((await it.house.ask(`POST ${PATH}/events/999/replay`)).body.code).toBe('event-not-found')
  })
})

test('a source that cannot be reached, or must not be, says why and is tried again', async () => {
  await using it = await steeredLine(LINE)
  await it.push()
  const told = { kind: 'redis', addresses: ['127.0.0.1:1'], stream: 'orders' }
  await it.house.ask(`PUT ${PATH}`, told)
  const source = async () => (await it.house.ask('GET /api/v1/projects/shop/sources')).body.items[0]
  await until(async () => (await source()).state === 'broken')
  expect((await source()).error).toContain('TAKT_ALLOW_HOSTS=127.0.0.1:1')
  expect((await it.house.ask(`PUT ${PATH}`, { ...told, addresses: ['nowhere'] })).body.detail).toContain(
    'host:port',
  )
  expect((await it.house.ask(`PUT ${PATH}`, { ...told, addresses: ['a:1', 'b:1'] })).body.detail).toContain(
    'one place',
  )
  await it.house.ask(`PUT ${PATH}`, { ...told, kind: 'kafka', addresses: ['127.0.0.1:1'] })
  await until(async () => (await source()).state === 'broken')
  expect((await it.house.ask(`DELETE ${PATH}`)).status).toBe(204)
  expect((await it.house.ask(`GET ${PATH}/events`)).body.code).toBe('source-not-found')
})
