import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { outgoing, OutgoingError, type OutgoingSettings } from '../../server/http/outgoing.ts'
import { isOutside, readAllowed } from '../../server/http/reachable.ts'
import { until } from '../support/until.ts'

/** A server of HTTP that remembers what it was asked. */
async function serve(answer: RequestListener, { host = '127.0.0.1', port = 0 } = {}) {
  const asked: { url: string; headers: NodeJS.Dict<string | string[]>; method: string; body: string }[] = []
  const http = createServer((request, response) => {
    const seen = { url: request.url!, headers: request.headers, method: request.method!, body: '' }
    asked.push(seen)
    request.on('data', (piece) => (seen.body += String(piece)))
    request.on('end', () => answer(request, response))
  })
  const { promise, resolve } = Promise.withResolvers<void>()
  http.listen(port, host, resolve)
  await promise
  const bound = (http.address() as AddressInfo).port
  return {
    ...{ asked, port: bound, host: `${host}:${bound}`, url: `http://${host}:${bound}` },
    async [Symbol.asyncDispose]() {
      http.closeAllConnections()
      await new Promise((done) => http.close(done))
    },
  }
}
const ok: RequestListener = (_request, response) => void response.end('yes')
const to =
  (where: string, status = 302): RequestListener =>
  (_request, response) =>
    void response.writeHead(status, { location: where }).end()

/** The code of the refusal, or what was answered. */
async function told(settings: OutgoingSettings, ...asks: Parameters<ReturnType<typeof outgoing>['fetch']>) {
  await using door = outgoing(settings)
  try {
    return await (await door.fetch(...asks)).text()
  } catch (error) {
    if (error instanceof OutgoingError) return error.code
    throw error
  }
}

test.each([
  ...['127.0.0.1', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254', '0.0.0.0'],
  ...['100.64.0.1', '198.18.0.1', '224.0.0.1', '255.255.255.255', '192.0.2.1', '::', '::1', 'fe80::1'],
  ...['fe80::1%lo', 'fd00::1', 'fc00::1', 'ff02::1', '::ffff:10.0.0.1', '::ffff:7f00:1', '64:ff9b::a00:1'],
  ...['2002:7f00:1::', '2001::1', '2001:db8::1', '::127.0.0.1', 'no address', ''],
])('%s is no address of the internet', (address) => {
  expect(isOutside(address)).toBe(false)
})

test.each(['1.1.1.1', '172.32.0.1', '192.169.0.1', '::ffff:8.8.8.8', '2606:4700::1111', '100.128.0.1'])(
  '%s is an address of the internet',
  (address) => {
    expect(isOutside(address)).toBe(true)
  },
)

describe('an address inside is refused', () => {
  test.each([
    ...['127.0.0.1', 'localhost', '2130706433', '0177.0.0.1', '0x7f.0.0.1', '127.1', '[::1]'],
    ...['[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '0', '①②⑦.0.0.1'],
  ])('when it is written as %s', async (host) => {
    await using server = await serve(ok)
    expect(await told({}, `http://${host}:${server.port}/`)).toBe('address_refused')
    expect(server.asked).toEqual([])
  })

  test('when one of two addresses of a name is inside', async () => {
    await using server = await serve(ok)
    const resolve = async () => [
      { address: '93.184.216.34', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ]
    expect(await told({ resolve }, `http://two.test:${server.port}/`)).toBe('address_refused')
    expect(server.asked).toEqual([])
  })

  test('when an answer sends there', async () => {
    await using inner = await serve(ok)
    for (const status of [301, 302, 303, 307, 308]) {
      await using outer = await serve(to(inner.url, status))
      expect(await told({ allow: outer.host }, outer.url)).toBe('address_refused')
    }
    expect(inner.asked).toEqual([])
  })

  test('in words that name the setting, and not where the name leads', async () => {
    await using door = outgoing({ resolve: async () => [{ address: '10.9.8.7', family: 4 }] })
    const refused = await door.fetch('http://intern.test/x').catch((error: Error) => error.message)
    expect(refused).toContain('`intern.test` leads to an address of this machine or of a private network')
    expect(refused).toContain('TAKT_ALLOW_HOSTS=intern.test:80')
    expect(refused).not.toContain('10.9.8.7')
  })
})

test('a connection goes to the address that was checked, though the name leads elsewhere a moment later', async () => {
  await using checked = await serve(ok, { host: '127.0.0.2' })
  await using other = await serve(ok, { host: '127.0.0.1', port: checked.port })
  let times = 0
  const resolve = async () => [{ address: times++ === 0 ? '127.0.0.2' : '127.0.0.1', family: 4 }]
  expect(await told({ resolve, allow: '127.0.0.2/32' }, `http://name.test:${checked.port}/`)).toBe('yes')
  expect([times, checked.asked.length, other.asked.length]).toEqual([1, 1, 0])
  expect(checked.asked[0]!.headers.host).toBe(`name.test:${checked.port}`)
})

describe('the operator allows a place', () => {
  test.each([
    ['by its name', () => 'localhost'],
    ['by its name and port', (port: number) => `other, LOCALHOST:${port}`],
    ['by its network', () => '127.0.0.0/8 ::1/128'],
  ])('%s', async (_title, allow) => {
    await using server = await serve(ok)
    expect(await told({ allow: allow(server.port) }, `http://localhost:${server.port}/`)).toBe('yes')
  })

  test('and no other port of it', async () => {
    await using server = await serve(ok)
    expect(await told({ allow: '127.0.0.1:1' }, server.url)).toBe('address_refused')
  })

  test.each(['http://intern', 'intern/path', '10.0.0.0/33', '10.0.0.0/8/8', 'a b/c', 'ho$t', 'h:123456'])(
    'and `%s` is no place',
    (setting) => {
      expect(() => readAllowed(setting)).toThrow('TAKT_ALLOW_HOSTS')
    },
  )
})

describe('what an answer sends elsewhere', () => {
  const headers = {
    ...{ authorization: 'Bearer s3cret', 'private-token': 's3cret', cookie: 'a=s3cret', accept: 'text/x' },
  }
  test('goes without what opens doors, and within one origin with it', async () => {
    await using far = await serve(ok)
    await using near = await serve((request, response) =>
      to(request.url === '/a' ? '/b' : `${far.url}/c`)(request, response),
    )
    expect(await told({ allow: '127.0.0.1' }, `${near.url}/a`, { headers })).toBe('yes')
    expect(near.asked.map((ask) => ask.headers['private-token'])).toEqual(['s3cret', 's3cret'])
    expect(JSON.stringify(far.asked)).not.toContain('s3cret')
    expect(far.asked[0]!.headers.accept).toBe('text/x')
  })

  test('goes without the body that was posted, or not at all', async () => {
    await using far = await serve(ok)
    const post = { method: 'POST', body: 'the body', headers }
    for (const [status, end] of [
      [303, 'yes'],
      [302, 'yes'],
      [307, 'redirected'],
      [308, 'redirected'],
    ] as const) {
      await using near = await serve(to(far.url, status))
      expect(await told({ allow: '127.0.0.1' }, near.url, post)).toBe(end)
    }
    expect(far.asked.map(({ method, body }) => `${method} ${body}`)).toEqual(['GET ', 'GET '])
  })

  test('is posted again within one origin, where the answer asks for that', async () => {
    await using near = await serve((request, response) =>
      request.url === '/a' ? to('/b', 307)(request, response) : ok(request, response),
    )
    await told({ allow: '127.0.0.1' }, `${near.url}/a`, { method: 'POST', body: 'x', headers })
    expect(near.asked.map(({ url, body }) => url + body)).toEqual(['/ax', '/bx'])
  })

  test('ends after some times, or is given back where nobody follows', async () => {
    await using round = await serve(to('/again'))
    const allow = '127.0.0.1'
    expect(await told({ allow }, round.url)).toBe('redirected')
    expect(round.asked).toHaveLength(6)
    await using door = outgoing({ allow })
    expect((await door.fetch(round.url, { redirects: 0 })).status).toBe(302)
  })

  test.each(['file:///etc/passwd', 'ftp://127.0.0.1/', 'http://a:b@127.0.0.1/', 'http://'])(
    'is not followed to %s',
    async (where) => {
      await using server = await serve(to(where))
      expect(await told({ allow: '127.0.0.1' }, server.url)).toBe('bad_address')
    },
  )
})

describe('an answer is bounded', () => {
  const allow = '127.0.0.1'
  test('in its size, unpacked', async () => {
    await using large = await serve((_request, response) => void response.end('x'.repeat(2_000)))
    expect(await told({ allow }, large.url, { mostBytes: 1_000 })).toBe('too_large')
    expect(await told({ allow }, large.url, { mostBytes: 2_000 })).toHaveLength(2_000)
    const bomb = gzipSync(Buffer.alloc(20_000_000))
    await using packed = await serve((_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
    )
    expect(await told({ allow }, packed.url)).toBe('too_large')
  })

  test('in its time: for the first byte and for the last', async () => {
    await using silent = await serve(() => {})
    expect(await told({ allow }, silent.url, { timeoutMs: 100 })).toBe('silent')
    await using slow = await serve((_request, response) => void response.write('begin'))
    expect(await told({ allow }, slow.url, { timeoutMs: 200 })).toBe('silent')
  })

  test('by whoever asks: an abort is theirs and no refusal', async () => {
    await using silent = await serve(() => {})
    await using door = outgoing({ allow })
    const quit = new AbortController()
    const asked = door.fetch(silent.url, { signal: quit.signal })
    const ended = expect(asked).rejects.toThrow('enough')
    await until(() => silent.asked.length === 1)
    quit.abort(new Error('enough'))
    await ended
  })
})

test('nobody there is told in words', async () => {
  const gone = await serve(ok)
  await gone[Symbol.asyncDispose]()
  expect(await told({ allow: '127.0.0.1' }, gone.url)).toBe('unreachable')
  expect(await told({}, 'http://no-such-name.invalid/')).toBe('unreachable')
})
