import { createHmac } from 'node:crypto'
import { request } from 'node:http'
import { expect, test } from 'vitest'
import { deliveries, github, signed } from '../support/github.ts'
import { GITHUB_SECRET, type House, startHouse } from '../support/server.ts'

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

test('the signature is over the bytes as they came: a space more, or the same JSON otherwise written, is another body', async () => {
  await using house = await startHouse()
  const body = '{"zen":"é"}'
  for (const other of [`${body} `, '{ "zen": "é" }', '{"zen":"\\u00e9"}', '{"zen":"e\u0301"}'])
    expect((await github(house, other, { event: 'ping', signature: signed(body) })).status).toBe(401)
  expect((await github(house, body, { event: 'ping', signature: signed(body) })).status).toBe(202)
})

test('what is not signed is not read: a body that is no JSON is refused for its signature', async () => {
  await using house = await startHouse()
  const signature = signed('x', 'another secret, quite another')
  expect(await github(house, '{"ref":', { signature })).toMatchObject({
    status: 401,
    body: { code: 'bad-signature' },
  })
  expect(await house.ask('POST /hooks/git?project=shop', '{"ref":', { as: null })).toMatchObject({
    status: 401,
  })
})

/** A request whose header stands there twice, which no polite client sends. */
const twice = (house: House, body: string) =>
  new Promise<number>((resolve, reject) => {
    const headers = [
      'host',
      new URL(house.url).host,
      'content-type',
      'application/json',
      'x-github-event',
      'ping',
      'x-github-delivery',
      'd1',
    ]
    const both = ['x-hub-signature-256', signed(body), 'x-hub-signature-256', signed(body)]
    request(`${house.url}/hooks/github`, { method: 'POST', headers: [...headers, ...both] }, (answer) => {
      answer.resume()
      resolve(answer.statusCode ?? 0)
    })
      .on('error', reject)
      .end(body)
  })

test('a signature header that stands there twice is refused, though both are right', async () => {
  await using house = await startHouse()
  expect(await twice(house, '{}')).toBe(401)
  expect(await deliveries(house)).toEqual([])
})
