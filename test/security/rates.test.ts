import { expect, test } from 'vitest'
import { Buckets } from '../../server/http/buckets.ts'
import { github } from '../support/github.ts'
import { person } from '../support/people.ts'
import { startHouse } from '../support/server.ts'

test('a bucket gives a minute’s worth at once, and then as much as comes in', () => {
  const buckets = new Buckets(60)
  const take = (key: string, nowMs: number) => buckets.take(key, nowMs)
  for (let at = 0; at < 60; at++) expect(take('a', 0).isEmpty).toBe(false)
  expect(take('a', 0)).toEqual({ isEmpty: true, left: 0, restS: 1 })
  expect(take('b', 0)).toMatchObject({ isEmpty: false, left: 59 })
  expect(take('a', 999).isEmpty).toBe(true)
  expect(take('a', 2_000).isEmpty).toBe(false)
  expect(take('a', 10_000_000)).toMatchObject({ isEmpty: false, left: 59 })
})

test('however many ask, so many buckets are kept, of those who asked last', () => {
  const buckets = new Buckets(1, 100)
  for (let at = 0; at < 1_000; at++) buckets.take(`n${at}`, 0)
  expect(buckets.size).toBe(100)
  expect(buckets.take('n999', 0).isEmpty).toBe(true)
  expect(buckets.take('n0', 0).isEmpty).toBe(false)
})

test('a token that asks too often waits, is told for how long, and holds up no other', async () => {
  await using house = await startHouse({ TAKT_RATE_API: '3' })
  const { token: noisy } = await person(house, 'noisy')
  const ask = (as: string) => house.ask('GET /api/v1/me', undefined, { as })
  const first = await ask(noisy)
  expect([first.headers.get('ratelimit-limit'), first.headers.get('ratelimit-remaining')]).toEqual(['3', '2'])
  for (let at = 0; at < 2; at++) expect((await ask(noisy)).status).toBe(200)
  const over = await ask(noisy)
  expect(over).toMatchObject({ status: 429, body: { code: 'too-many-requests' } })
  expect(Number(over.headers.get('retry-after'))).toBeGreaterThan(10)
  expect(over.body.detail).toContain('TAKT_RATE_API')
  expect((await ask(house.token)).status).toBe(200)
})

test('an address that tries one token after the other waits, whatever it says it is', async () => {
  await using house = await startHouse({ TAKT_RATE_API: '1' })
  const seen = new Set<number>()
  for (let at = 0; at < 4; at++) {
    const headers = { 'x-forwarded-for': `10.0.0.${at}` }
    seen.add((await house.ask('GET /api/v1/me', undefined, { as: `takt_wrong${at}`, headers })).status)
  }
  expect([...seen]).toEqual([401, 429])
})

test('who asks for repositories too often waits, too', async () => {
  await using house = await startHouse({ TAKT_RATE_API: '1' })
  const look = async () =>
    (await house.ask('GET /git/demo.git/info/refs?service=git-upload-pack', undefined, { as: null })).status
  const seen: number[] = []
  for (let at = 0; at < 4; at++) seen.push(await look())
  expect(seen).toEqual([401, 401, 401, 429])
})

test('behind as many proxies as are set, each address has its own', async () => {
  await using house = await startHouse({ TAKT_RATE_HOOKS: '2', TAKT_PROXIES: '1' })
  const from = async (address: string) =>
    (
      await house.ask('POST /hooks/github', '{}', {
        as: null,
        headers: { 'x-forwarded-for': `1.2.3.4, ${address}` },
      })
    ).status
  expect([await from('10.0.0.1'), await from('10.0.0.1'), await from('10.0.0.1')]).toEqual([401, 401, 429])
  expect(await from('10.0.0.2')).toBe(401)
})

test('signing in and deliveries have limits of their own; 0 sets none', async () => {
  await using house = await startHouse({ TAKT_RATE_LOGIN: '3', TAKT_RATE_HOOKS: '2' })
  const login = async () => (await house.ask('POST /api/v1/session', { link: 'x' }, { as: null })).status
  expect([await login(), await login(), await login(), await login()]).toEqual([401, 401, 401, 429])
  const tell = async () => (await github(house, '{}', { event: 'ping' })).status
  expect([await tell(), await tell(), await tell()]).toEqual([202, 202, 429])
  await using open = await startHouse({ TAKT_RATE_API: '0', TAKT_RATE_LOGIN: '0' })
  for (let at = 0; at < 10; at++) expect((await open.ask('GET /api/v1/me')).status).toBe(200)
})
