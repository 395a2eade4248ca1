import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { parseForRunning } from '#pipelines/language/parse.ts'
import { hand, work } from '../support/hand.ts'
import { hostedProject } from '../support/repository.ts'
import { type House, startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

const AUDIENCE = 'sts.cloud.example'
const FILE = `jobs:\n  deploy: { when: push, id_token: { audience: ${AUDIENCE} }, timeout: 10m, run: say it }\n`

/** A run that asks for a token, in the hands of its runner. */
async function claimed(house: House, prepare: () => Promise<unknown> = async () => null, project = 'shop') {
  const stack = new AsyncDisposableStack()
  const clone = stack.use(await hostedProject(house, project))
  const sha = await clone.push({ '.takt.yml': FILE })
  await until(async () => (await house.ask(`GET /api/v1/runs?project=${project}`)).body.items.length === 1)
  await prepare()
  const runner = stack.use(await hand(house))
  runner.say({ say: 'ready', slots: 1 })
  const { plan } = await until(() => work(runner.heard))
  return { plan, sha, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

/** As a cloud does: by what the issuer publishes, and nothing else. */
async function verified(house: House, token: string, audience = AUDIENCE) {
  const discovered = await house.ask('GET /.well-known/openid-configuration', undefined, { as: null })
  expect(discovered.body.issuer).toBe(house.url)
  const keys = createRemoteJWKSet(new URL(discovered.body.jwks_uri))
  return jwtVerify(token, keys, { issuer: house.url, audience, algorithms: ['RS256'] })
}

describe('a job that asks for a token', () => {
  test('gets one that others verify by what is published, and that says who the run is', async () => {
    await using house = await startHouse()
    await using it = await claimed(house)
    const token = it.plan.secrets['TAKT_ID_TOKEN']!
    const { payload } = await verified(house, token)
    expect(payload).toMatchObject({
      sub: 'project:shop:pipeline:main:job:deploy:lane:main',
      ...{ aud: AUDIENCE, project: 'shop', organization: 'default', pipeline: 'main', job: 'deploy' },
      ...{ lane: 'main', ref: 'refs/heads/main', sha: it.sha, run: 1, attempt: 1, environment: null },
      trusted: true,
    })
    expect(payload.exp! - payload.iat!).toBe(600)
    await expect(verified(house, token, 'somebody.else')).rejects.toThrow(/aud/)
    const [head, body, signature] = token.split('.')
    const forged = Buffer.from(JSON.stringify({ ...payload, job: 'other' })).toString('base64url')
    await expect(verified(house, [head, forged, signature].join('.'))).rejects.toThrow(/signature/)
    expect(body).not.toBe(forged)
    expect((await house.ask('GET /api/v1/runs/1')).text).not.toContain(token)
  })

  test('on a pull request’s lane gets none, and hears so', async () => {
    await using house = await startHouse()
    await using it = await claimed(house, () =>
      house.db.updateTable('lanes').set({ kind: 'pull_request' }).execute(),
    )
    expect(it.plan).toMatchObject({ secrets: {}, withheld: ['TAKT_ID_TOKEN'] })
  })
})

test('keys are made anew, published an hour before they sign, and a day after they have', async () => {
  await using house = await startHouse()
  const published = async () =>
    (await house.ask('GET /.well-known/jwks.json', undefined, { as: null })).body.keys as { kid: string }[]
  const signer = async (project: string) => {
    await using it = await claimed(house, undefined, project)
    return decodeProtectedHeader(it.plan.secrets['TAKT_ID_TOKEN']!).kid
  }
  expect(await published()).toEqual([])
  const made = await signer('shop')
  const [first] = await published()
  expect(made).toBe(first!.kid)
  expect(JSON.stringify(first)).not.toMatch(/"d"|"p"|"q"/)
  const age = (interval: string) =>
    sql`update signing_keys set created_at = created_at - ${interval}::interval`.execute(house.db)
  await age('31 days')
  await house.restart()
  const [, second] = await until(async () => (await published()).length === 2 && published())
  expect(await signer('other')).toBe(first!.kid)
  await age('2 hours')
  expect(await signer('third')).toBe(second!.kid)
  await age('1 day')
  await house.restart()
  await until(async () => (await published()).length === 1)
  expect(await published()).toMatchObject([{ kid: second!.kid }])
})

test('a token is for somebody: without an audience, or for nobody, it is refused', () => {
  const said = (written: string) =>
    parseForRunning(`jobs: { a: { id_token: ${written}, run: x } }`).diagnostics
  expect(said('{ audience: x }')).toEqual([])
  expect(said('{ audience: [x, y] }')).toEqual([])
  for (const wrong of ['{}', '{ audience: [] }', "{ audience: '' }", 'true', '{ audience: x, scope: y }'])
    expect(said(wrong)).not.toEqual([])
})
