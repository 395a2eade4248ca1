import { createVerify, generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Verdict } from '#pipelines/statuses/verdict.ts'
import { ForgeRefusal, refusalOf } from '../../server/forges/forge-refusal.ts'
import type { Telling } from '../../server/statuses/forge.ts'
import { gitea } from '../../server/statuses/gitea.ts'
import { github } from '../../server/statuses/github.ts'
import { gitlab } from '../../server/statuses/gitlab.ts'
import { fakeGitea, fakeGithub, fakeGitlab } from '../support/fake-forges.ts'

const SHA = 'a'.repeat(40)
const telling = (verdict: Verdict, more: Partial<Telling> = {}): Telling => ({
  ...{ repository: 'acme/shop', sha: SHA, ref: 'main', name: 'takt/shop/main', verdict, words: 'in words' },
  ...{ link: 'https://ci.acme.io/p/shop/main', isLine: true, id: 'takt-1', unsure: false },
  before: { externalId: null, verdict: null },
  ...more,
})
const quit = new AbortController().signal
const refused = async (told: Promise<unknown>) => {
  const refusal = await told.then(
    () => null,
    (error: unknown) => error,
  )
  if (!(refusal instanceof ForgeRefusal)) throw new Error('it was taken', { cause: refusal })
  return { what: refusal.what, afterMs: refusal.afterMs, words: refusal.message }
}

test('GitLab is told in its words, and what it has heard already is good', async () => {
  await using forge = await fakeGitlab()
  const { tell } = gitlab({ url: forge.url, token: 'glpat' })
  const at = { repository: 'acme/tools/shop' }
  for (const verdict of ['running', 'running', 'allowed'] as const) await tell(telling(verdict, at), quit)
  expect(forge.shown(SHA)).toEqual({ 'takt/shop/main': 'success' })
  expect(forge.heard.at(-1)!.body).toEqual({
    ...{ state: 'success', name: 'takt/shop/main', ref: 'main', description: 'in words' },
    target_url: 'https://ci.acme.io/p/shop/main',
  })
  expect(await refused(tell(telling('failed'), quit))).toMatchObject({ what: 'later' })
})

test('Gitea is told what was allowed in amber', async () => {
  await using forge = await fakeGitea()
  const { tell } = gitea({ url: `${forge.url}/`, token: 'gt' })
  await tell(telling('allowed'), quit)
  expect(forge.shown(SHA)).toEqual({ 'takt/shop/main': 'warning' })
  const wrong = gitea({ url: forge.url, token: 'other' })
  expect(await refused(wrong.tell(telling('failed'), quit))).toMatchObject({
    what: 'all',
    words: expect.stringContaining('its token is not accepted'),
  })
})

test('a check goes on while it may, and what begins anew is another one', async () => {
  await using forge = await fakeGithub()
  const { tell } = github({ api: forge.url, access: { token: 'gh-token' } })
  const { externalId } = await tell(telling('queued'), quit)
  await tell(telling('cancelled', { before: { externalId, verdict: 'queued' } }), quit)
  const again = await tell(telling('running', { before: { externalId, verdict: 'cancelled' } }), quit)
  expect([externalId, again.externalId]).toEqual(['1', '2'])
  expect(forge.heard.map(({ method, body }) => [method, body.conclusion ?? body.status])).toEqual([
    ['POST', 'queued'],
    ['PATCH', 'cancelled'],
    ['POST', 'in_progress'],
  ])
})

test('a check whose making nobody heard of is found again and goes on, instead of another beside it', async () => {
  await using forge = await fakeGithub()
  const { tell } = github({ api: forge.url, access: { token: 'gh-token' } })
  forge.cutNext()
  expect(await refused(tell(telling('queued'), quit))).toMatchObject({ what: 'all' })
  const { externalId } = await tell(telling('running', { unsure: true }), quit)
  expect(externalId).toBe('1')
  // One of another line, and one of ours that is over and known, are not it.
  await tell(telling('queued', { id: 'takt-2', sha: 'c'.repeat(40) }), quit)
  await tell(telling('failed', { before: { externalId, verdict: 'running' } }), quit)
  const anew = { before: { externalId, verdict: 'failed' }, unsure: true } as const
  expect((await tell(telling('running', anew), quit)).externalId).toBe('3')
  expect(forge.heard.filter(({ method }) => method === 'POST')).toHaveLength(3)
})

const in10s = () => String(Math.ceil(Date.now() / 1_000) + 10)
test.each([
  ['a server that fails', 503, {}, 'Unicorn!', 'all', null],
  ['one that says when it is back', 503, { 'retry-after': '120' }, 'away', 'all', 120_000],
  ['too many requests', 429, { 'retry-after': '7' }, 'slow down', 'all', 7_000],
  [
    'a secondary limit, for a minute where no time is said',
    403,
    {},
    'You have exceeded a secondary rate limit',
    'all',
    60_000,
  ],
  ['a token that is wrong', 401, {}, 'Bad credentials', 'all', 60_000],
  ['a commit that is not known yet', 404, {}, 'Not Found', 'later', null],
  ['a token that may not', 403, {}, 'Forbidden', 'this', null],
  ['what it does not understand', 422, {}, 'state', 'this', null],
] as const)('GitHub refuses: %s', async (_, status, headers, message, what, afterMs) => {
  await using forge = await fakeGithub()
  const { tell } = github({ api: forge.url, access: { token: 'gh-token' } })
  forge.answer(() => Response.json({ message }, { status, headers }))
  expect(await refused(tell(telling('failed', { isLine: false }), quit))).toMatchObject({ what, afterMs })
  expect(forge.heard.length).toBe(1)
})

test('where no request is left, a forge is asked again when it said', () => {
  const headers: Record<string, string> = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': in10s() }
  const header = (name: string) => headers[name] ?? null
  const { what, afterMs } = refusalOf(
    'GitHub',
    { status: 403, header, words: 'API rate limit exceeded' },
    Date.now(),
  )
  expect(what).toBe('all')
  expect(afterMs).toBeGreaterThan(8_000)
  expect(afterMs).toBeLessThanOrEqual(11_000)
})

test('a forge that is not there refuses for now, and a secret is in nothing that is said', async () => {
  for (const forge of [
    github({ api: 'http://127.0.0.1:1', access: { token: 'gh-token' } }),
    gitlab({ url: 'http://127.0.0.1:1', token: 'gh-token' }),
  ]) {
    const { what, words } = await refused(forge.tell(telling('failed'), quit))
    expect(what).toBe('all')
    expect(words).toContain('does not answer')
    expect(words).not.toContain('gh-token')
  }
})

test('an app signs with its key, and asks for a token of its installation', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  await using forge = await fakeGithub({ token: 'token ghs_installed' })
  let signed = ''
  forge.answer(() => {
    const { path, authorization } = forge.heard.at(-1)!
    if (path === '/repos/acme/shop/installation') return Response.json({ id: 9 })
    if (path !== '/app/installations/9/access_tokens') return undefined
    signed = authorization.replace(/^bearer /i, '')
    const expires_at = new Date(Date.now() + 3_600_000).toISOString()
    return Response.json(
      { token: 'ghs_installed', expires_at, permissions: { checks: 'write' }, repository_selection: 'all' },
      { status: 201 },
    )
  })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const { tell } = github({ api: forge.url, access: { appId: '7', privateKey: pem } })
  await tell(telling('succeeded'), quit)
  expect(forge.shown(SHA)).toEqual({ 'takt/shop/main': 'success' })
  const [head, claims, signature] = signed.split('.')
  const verify = createVerify('RSA-SHA256').update(`${head}.${claims}`)
  expect(verify.verify(publicKey, Buffer.from(signature!, 'base64url'))).toBe(true)
})
