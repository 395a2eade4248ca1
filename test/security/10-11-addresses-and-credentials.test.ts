import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { parseAllowed, wallsAround } from '../../runner/docker/addresses.ts'
import { addressOf, TRUSTED } from '../../runner/submodule-address.ts'
import { outgoing, OutgoingError, type OutgoingSettings } from '../../server/http/outgoing.ts'

// Every spelling of an address, names that lead inside, redirects one by one: test/server/outgoing.test.ts.

async function serve(answer: RequestListener) {
  const seen: (string | undefined)[] = []
  const http = createServer((request, response) => {
    seen.push(request.headers.authorization)
    answer(request, response)
  })
  await new Promise<void>((done) => void http.listen(0, '127.0.0.1', done))
  const { port } = http.address() as AddressInfo
  const close = () => {
    http.closeAllConnections()
    http.close()
  }
  return { seen, port, url: `http://127.0.0.1:${port}`, [Symbol.dispose]: close }
}
async function told(settings: OutgoingSettings, url: string, headers = {}) {
  await using door = outgoing(settings)
  try {
    return await (await door.fetch(url, { headers })).text()
  } catch (error) {
    if (error instanceof OutgoingError) return error.code
    throw error
  }
}
const yes: RequestListener = (_, response) => void response.end('yes')

test.each(['127.0.0.1', 'localhost', '[::1]', '0x7f.1', '169.254.169.254', '10.0.0.1', '[fd00::1]'])(
  '11: what a file names at %s is not asked',
  async (host) => {
    using inside = await serve(yes)
    expect(await told({}, `http://${host}:${inside.port}/`)).toBe('address_refused')
    expect(inside.seen).toEqual([])
  },
)

test('11: a redirect that leads inside is not followed', async () => {
  using inside = await serve(yes)
  using outside = await serve((_, response) => void response.writeHead(302, { location: inside.url }).end())
  expect(await told({ allow: `127.0.0.1:${outside.port}` }, outside.url)).toBe('address_refused')
  expect(inside.seen).toEqual([])
})

test('10: what opens one server is not sent to another that it redirects to', async () => {
  using other = await serve(yes)
  using first = await serve((_, response) => void response.writeHead(302, { location: other.url }).end())
  expect(await told({ allow: '127.0.0.1' }, first.url, { authorization: 'Bearer key' })).toBe('yes')
  expect([first.seen, other.seen]).toEqual([['Bearer key'], [undefined]])
})

test('10: a submodule on another server gets no credential of its parent', async () => {
  const credential = { username: 'run', password: 'the-lease-of-run-7' }
  const parent = { url: 'https://192.0.2.1/acme/shop.git', credential, reach: TRUSTED }
  const there = await addressOf(parent, { name: 'lib', url: 'https://198.51.100.7/lib.git' }, {})
  expect(there.credential).toBeNull()
})

test('11: around a run stands a wall to the addresses of clouds’ credentials', () => {
  const { closed } = wallsAround(['10.0.0.5'], parseAllowed('')!)
  expect(closed).toEqual(['10.0.0.5', '169.254.169.254', '169.254.0.0/16'])
})
