import { expect, test } from 'vitest'
import { isRefName } from '#pipelines/refs.ts'
import { parseForRunning } from '#pipelines/language/parse.ts'
import { Checkout } from '#pipelines/wire/plan.ts'
import { addressOf, TRUSTED } from '../../runner/submodule-address.ts'

// With a real git, its options and hooks: test/runner/checkout.test.ts, submodules.test.ts, lfs.test.ts and test/server/hosting.test.ts.

test.each([
  ...['-x', 'refs/heads/../x', 'refs/heads/a..b', 'refs/heads/a b', 'refs/heads/a~1', 'refs/heads/a^'],
  ...[
    'refs/heads/a:b',
    'refs/heads/a?',
    'refs/heads/*',
    'refs/heads/a[b',
    'refs/heads/a\\b',
    'refs/heads/a@{1}',
  ],
  ...[
    'refs/heads/a.lock',
    'refs/heads/a\n',
    'refs/heads/a\0b',
    'refs/heads/',
    '--upload-pack=touch /tmp/x',
    '',
  ],
])('%j is no name of a ref, so that git never hears it', (ref) => {
  expect(isRefName(ref)).toBe(false)
})

test.each([
  'ext::sh -c touch% /tmp/x',
  'file:///etc',
  '--upload-pack=touch',
  'fd::17',
  'gopher://example.org/x',
])('a submodule at %j is fetched by nobody', async (url) => {
  const parent = { url: 'https://192.0.2.1/acme/shop.git', credential: null, reach: TRUSTED }
  await expect(addressOf(parent, { name: 'lib', url }, {})).rejects.toThrow()
})

test.each(['ext::sh -c x', '--upload-pack=touch', 'file:///etc/passwd', 'javascript:alert(1)'])(
  'a file that names the repository %j is refused',
  (git) => {
    const { diagnostics } = parseForRunning(
      `resources: { lib: { git: ${JSON.stringify(git)} } }\njobs: { a: { get: lib, run: x } }`,
    )
    expect(diagnostics.some(({ severity }) => severity === 'error')).toBe(true)
  },
)

test('a checkout says which commit, of which ref, how deep: a runner takes nothing else from a server', () => {
  const good = {
    ...{ url: 'https://192.0.2.1/x.git', sha: 'a'.repeat(40), ref: 'refs/heads/main', credential: null },
    ...{ depth: 1, submodules: false, lfs: false },
  }
  expect(Checkout.safeParse(good).success).toBe(true)
  for (const bad of [{ depth: -1 }, { depth: '1 --exec=x' }, { submodules: 'yes' }, { credential: 'x' }])
    expect(Checkout.safeParse({ ...good, ...bad }).success).toBe(false)
})
