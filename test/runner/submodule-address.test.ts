import { networkInterfaces } from 'node:os'
import { describe, expect, test } from 'vitest'
import { addressOf, TRUSTED } from '../../runner/submodule-address.ts'

const credential = { username: 'run', password: 'the-lease-of-run-7' }
/** Addresses that belong to nobody (RFC 5737). */
const ELSEWHERE = 'https://192.0.2.1/acme/shop.git'
const SSH = 'ssh://git@192.0.2.1/acme/shop.git'
const ask = (parent: string, url: string, env = {}) =>
  addressOf({ url: parent, credential, reach: TRUSTED }, { name: 'lib', url }, env)
const own = Object.values(networkInterfaces())
  .flat()
  .find((each) => each && !each.internal && each.family === 'IPv4')?.address

describe('a submodule', () => {
  test.each([
    [ELSEWHERE, '../lib.git', 'https://192.0.2.1/acme/lib.git'],
    [ELSEWHERE, 'https://192.0.2.1/other/lib.git', 'https://192.0.2.1/other/lib.git'],
    [SSH, '../lib.git', 'ssh://git@192.0.2.1/acme/lib.git'],
    [SSH, 'git@192.0.2.1:other/lib.git', 'ssh://git@192.0.2.1/other/lib.git'],
    [SSH, 'ssh://git@192.0.2.1:22/other/lib.git', 'ssh://git@192.0.2.1:22/other/lib.git'],
  ])('on the server of %s gets what that gets: %s', async (parent, url, href) => {
    expect(await ask(parent, url)).toEqual({ url: href, credential, reach: TRUSTED })
  })

  test('on another server gets neither credential nor redirect nor what the machine is known by', async () => {
    expect(await ask(ELSEWHERE, 'https://198.51.100.7/lib.git')).toEqual({
      url: 'https://198.51.100.7/lib.git',
      credential: null,
      reach: { settings: { 'http.followRedirects': 'false' }, env: { HOME: '/dev/null' } },
    })
    expect(await ask(SSH, 'http://198.51.100.7/lib.git')).toMatchObject({ credential: null })
  })

  test.each([
    [ELSEWHERE, 'git@192.0.2.1:acme/lib.git'],
    [ELSEWHERE, 'ssh://git@192.0.2.1/acme/lib.git'],
    [SSH, 'ssh://root@192.0.2.1/acme/lib.git'],
    [SSH, 'ssh://git@192.0.2.1:2222/acme/lib.git'],
    [SSH, 'ssh://git@198.51.100.7/acme/lib.git'],
    [SSH, 'ssh://192.0.2.1/acme/lib.git'],
  ])('of %s over ssh at %s is refused, and told what to write', async (parent, url) => {
    await expect(ask(parent, url)).rejects.toMatchObject({
      code: 'checkout_failed',
      message: expect.stringMatching(/"lib" has the address .*own ssh key.*write it as https:\/\//),
    })
  })

  const closed = [
    'http://127.0.0.1:9/x.git',
    'http://127.1/x.git',
    'http://2130706433/x.git',
    'http://localhost:9/x.git',
    'http://0.0.0.0/x.git',
    'http://[::1]/x.git',
    'http://[::ffff:127.0.0.1]/x.git',
    'http://169.254.169.254/latest',
    'http://[fe80::1]/x.git',
    ...(own ? [`http://${own}/x.git`] : []),
  ]
  test.each(closed)('of a server elsewhere may not be at %s', async (url) => {
    await expect(ask(ELSEWHERE, url)).rejects.toMatchObject({
      code: 'checkout_failed',
      message: expect.stringMatching(/closed to runs\.$/),
    })
  })

  test('of a server on this machine may be on this machine, and not link-local', async () => {
    expect(await ask('http://127.0.0.1:8080/a.git', 'http://localhost:9/x.git')).toMatchObject({
      credential: null,
      reach: { settings: { 'http.curloptResolve': expect.stringMatching(/^localhost:9:.*127\.0\.0\.1/) } },
    })
    await expect(ask('http://127.0.0.1:8080/a.git', 'http://169.254.169.254/x')).rejects.toThrow(/closed/)
  })

  test('whose host has no address is left to a proxy, or refused', async () => {
    const url = 'https://no-such-host.invalid/lib.git'
    await expect(ask(ELSEWHERE, url)).rejects.toThrow(/has no address/)
    expect(await ask(ELSEWHERE, url, { HTTPS_PROXY: 'http://192.0.2.9:3128' })).toMatchObject({ url })
  })
})
