import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { sql } from 'kysely'
import { readConfig } from '../../server/config.ts'
import { openStores } from '../../server/secrets/stores/open-stores.ts'
import type { StoreName } from '../../server/secrets/stores/store.ts'
import type { Holder } from '../../server/secrets/stores/reference.ts'
import { AWS_KEY, fakeAws, fakeGcp, fakeVault, ROLE } from '../support/fake-stores.ts'
import { hand, work } from '../support/hand.ts'
import { hostedProject } from '../support/repository.ts'
import { type House, startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

const VALUE = 'correct-horse-battery-staple-77'
const OTHER = 'what-belongs-to-somebody-else'
const SHOP: Holder = { organization: 'acme', project: 'shop' }
const TOKEN = 'hvs.root-of-the-test'

const stores = (env: Record<string, string>) => openStores(readConfig(env))
const at = (store: StoreName, reference: string, holder = SHOP) => ({
  secret: 'KEY',
  store,
  reference,
  holder,
})

describe('Vault', () => {
  const held = () =>
    new Map<string, Record<string, unknown> | null>([
      ['takt/acme/shop/deploy', { value: VALUE, port: 54_321, short: 'abc', deep: { key: 'x' } }],
      ['takt/acme/everybody', { token: 'of the organization' }],
      ['takt/other/shop/deploy', { value: OTHER }],
      ['takt/acme/shop/gone', null],
    ])
  const open = (url: string) => stores({ TAKT_VAULT_ADDR: `${url}/`, TAKT_VAULT_TOKEN: TOKEN })

  test.each([
    ['its field `value` where a reference names none', 'deploy', SHOP, { value: VALUE }],
    ['the field that a reference names', 'deploy#port', SHOP, { value: '54321' }],
    ['of an organization', 'everybody#token', { ...SHOP, project: null }, { value: 'of the organization' }],
    [
      'not a field that is not there',
      'deploy#nothing',
      SHOP,
      { unreadable: /takt\/acme\/shop\/deploy.*no field `nothing`/ },
    ],
    ['not a field that is no text', 'deploy#deep', SHOP, { unreadable: /`deep` is no text/ }],
    ['not what is too short to be hidden', 'deploy#short', SHOP, { unreadable: /3 characters/ }],
    ['not what was deleted', 'gone', SHOP, { unreadable: /deleted/ }],
    ['not what is not there', 'nowhere', SHOP, { unreadable: /there is nothing/ }],
    ['not what the server may not read', 'closed/x', SHOP, { unreadable: /may not read there \(403\)/ }],
  ])('gives %s', async (_, reference, holder, found) => {
    await using vault = await fakeVault(held(), { token: TOKEN })
    const got = await open(vault.url).fetch(at('vault', reference, holder))
    if ('value' in found) expect(got).toEqual(found)
    else expect(got).toEqual({ unreadable: expect.stringMatching(found.unreadable) })
    expect(JSON.stringify(got)).not.toContain(TOKEN)
    expect(JSON.stringify(got)).not.toContain(OTHER)
  })

  test('is opened by an AppRole, whose token is kept, and asked for anew when it was ended', async () => {
    await using vault = await fakeVault(held(), { uses: 2 })
    const env = { TAKT_VAULT_ADDR: vault.url, TAKT_VAULT_ROLE_ID: ROLE.id, TAKT_VAULT_SECRET_ID: ROLE.secret }
    const opened = stores(env)
    for (let time = 0; time < 3; time++)
      expect(await opened.fetch(at('vault', 'deploy'))).toEqual({ value: VALUE })
    expect(vault.asked.filter((each) => each.includes('login'))).toHaveLength(2)
    const wrong = stores({ ...env, TAKT_VAULT_SECRET_ID: 'another' })
    const refused = await wrong.fetch(at('vault', 'deploy'))
    expect(refused).toEqual({
      unreadable: expect.stringMatching(/AppRole does not let it in.*TAKT_VAULT_ROLE_ID/),
    })
    expect(JSON.stringify(refused)).not.toContain('another')
  })

  test('that is away, or is no Vault, is told in words', async () => {
    const away = await fakeVault(held())
    await away[Symbol.asyncDispose]()
    const nobody = await open(away.url).fetch(at('vault', 'deploy'))
    expect(nobody).toEqual({ unreadable: expect.stringMatching(/cannot be asked: ECONNREFUSED/) })
    await using aws = await fakeAws(new Map())
    const other = await open(aws.url).fetch(at('vault', 'deploy'))
    expect(other).toEqual({ unreadable: expect.stringMatching(/KEY lies in Vault at/) })
  })
})

describe('AWS Secrets Manager', () => {
  test('is asked with a signed request, and gives a text or a field of one', async () => {
    const held = new Map([
      ['takt/acme/shop/deploy', VALUE],
      ['takt/acme/shop/database', JSON.stringify({ username: 'shop', password: OTHER })],
    ])
    await using aws = await fakeAws(held)
    const env = { TAKT_AWS_REGION: 'eu-west-1', TAKT_AWS_ENDPOINT: aws.url }
    const opened = stores({ ...env, TAKT_AWS_KEY: AWS_KEY.id, TAKT_AWS_SECRET: AWS_KEY.secret })
    expect(await opened.fetch(at('aws', 'deploy'))).toEqual({ value: VALUE })
    expect(await opened.fetch(at('aws', 'database#password'))).toEqual({ value: OTHER })
    for (const [reference, words] of [
      ['nowhere', /there is nothing/],
      ['closed/x', /secretsmanager:GetSecretValue/],
      ['deploy#field', /no object in JSON/],
    ] as const)
      expect(await opened.fetch(at('aws', reference))).toEqual({ unreadable: expect.stringMatching(words) })
    const wrong = stores({ ...env, TAKT_AWS_KEY: AWS_KEY.id, TAKT_AWS_SECRET: 'another' })
    expect(await wrong.fetch(at('aws', 'deploy'))).toEqual({
      unreadable: expect.stringMatching(/InvalidSignatureException/),
    })
  })
})

describe('Google Cloud Secret Manager', () => {
  test('is opened by the key of a service account, and has names of its own', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'takt-gcp-'))
    await using stack = new AsyncDisposableStack()
    stack.defer(() => rm(folder, { recursive: true }))
    const keyFile = join(folder, 'key.json')
    const held = new Map([['takt_acme_shop_deploy', VALUE]])
    const gcp = stack.use(await fakeGcp(held, keyFile))
    const opened = stores({
      ...{ TAKT_GCP_PROJECT: 'acme-prod', TAKT_GCP_KEY_FILE: keyFile, TAKT_GCP_ENDPOINT: gcp.url },
    })
    expect(await opened.fetch(at('gcp', 'deploy'))).toEqual({ value: VALUE })
    for (const [reference, words] of [
      ['nowhere', /`takt_acme_shop_nowhere`: there is nothing/],
      ['closed', /Secret Manager Secret Accessor/],
      ['a.b', /only letters, digits, - and _/],
    ] as const)
      expect(await opened.fetch(at('gcp', reference))).toEqual({ unreadable: expect.stringMatching(words) })
  })
})

test.each([
  [{ TAKT_VAULT_ADDR: 'http://127.0.0.1:1' }, /TAKT_VAULT_TOKEN/],
  [{ TAKT_AWS_REGION: 'eu-west-1', TAKT_AWS_KEY: 'AKID' }, /TAKT_AWS_SECRET/],
])('settings that say half of what a store needs are refused: %o', (env, words) =>
  expect(() => stores(env)).toThrow(words),
)

/** Every row of every table as PostgreSQL writes it. */
async function everything(house: House): Promise<string> {
  const { rows } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables where table_schema = 'public'`.execute(house.db)
  const texts = await Promise.all(
    rows.map(async ({ name }) => {
      const all = await sql<{ row: string }>`select t::text as row from ${sql.table(name)} t`.execute(
        house.db,
      )
      return all.rows.map(({ row }) => row).join('\n')
    }),
  )
  return texts.join('\n')
}

const FILE = 'jobs: { deploy: { when: push, secrets: [KEY], run: say done } }'

describe('a secret that lies in a store', () => {
  const held = () =>
    new Map<string, Record<string, unknown> | null>([
      ['takt/default/shop/deploy', { value: VALUE }],
      ['takt/default/everybody', { value: OTHER }],
      ['takt/other/private', { value: 'of another organization' }],
    ])

  test('is fetched when a run begins, as it is then, and stands nowhere here', async () => {
    const lying = held()
    await using vault = await fakeVault(lying, { token: TOKEN })
    await using house = await startHouse({ TAKT_VAULT_ADDR: vault.url, TAKT_VAULT_TOKEN: TOKEN })
    await using clone = await hostedProject(house, 'shop')
    const asked = { store: 'vault', reference: 'deploy' }
    const set = await house.ask('PUT /api/v1/projects/shop/secrets/KEY', asked)
    expect(set).toMatchObject({ status: 200, body: { name: 'KEY', ...asked } })
    const list = await house.ask('GET /api/v1/projects/shop/secrets')
    expect(list.body).toMatchObject({ stores: ['vault'], items: [asked] })
    const newer = `${VALUE}-newer`
    lying.set('takt/default/shop/deploy', { value: newer })
    await clone.push({ '.takt.yml': FILE })
    await using runner = await hand(house)
    runner.say({ say: 'ready', slots: 1 })
    const { plan } = await until(() => work(runner.heard))
    expect(plan.secrets).toEqual({ KEY: newer })
    const told = [set.text, list.text, (await house.ask('GET /api/v1/audit')).text, await everything(house)]
    expect(told.join('\n')).not.toContain(VALUE)
    expect(told.join('\n')).not.toContain(TOKEN)
    const { body } = await house.ask('GET /api/v1/audit?action=secret.set')
    expect(body.items[0].after).toMatchObject(asked)
  })

  test('can be narrowed, replaced by a value, and gives way to one as others do', async () => {
    await using vault = await fakeVault(held(), { token: TOKEN })
    await using house = await startHouse({ TAKT_VAULT_ADDR: vault.url, TAKT_VAULT_TOKEN: TOKEN })
    await using _ = await hostedProject(house, 'shop')
    const asked = { store: 'vault', reference: 'everybody' }
    const key = '/api/v1/organizations/default/secrets/KEY'
    expect((await house.ask(`PUT ${key}`, asked)).body).toMatchObject(asked)
    const narrowed = await house.ask(`POST ${key}/narrow`, { from: {}, to: { job: 'deploy' } })
    expect(narrowed.body).toMatchObject({ ...asked, job: 'deploy' })
    const replaced = await house.ask(`PUT ${key}`, { value: VALUE, job: 'deploy' })
    expect(replaced.body).toMatchObject({ store: null, reference: null })
  })

  test('is refused where it cannot be had, and where it would be another’s', async () => {
    await using vault = await fakeVault(held(), { token: TOKEN })
    await using house = await startHouse({ TAKT_VAULT_ADDR: vault.url, TAKT_VAULT_TOKEN: TOKEN })
    await using _ = await hostedProject(house, 'shop')
    for (const [asked, words] of [
      [{ store: 'aws', reference: 'deploy' }, /not let into/],
      [{ store: 'vault', reference: 'nowhere' }, /nothing is set.*takt\/default\/shop\/nowhere/],
      [{ store: 'vault', reference: '../../other/private' }, /a reference is a path/],
      [{ store: 'vault', reference: 'x/../../../other/private' }, /a reference is a path/],
      [{ store: 'vault', reference: '/takt/other/private' }, /a reference is a path/],
      [{ store: 'vault', reference: '%2e%2e/other' }, /a reference is a path/],
      [{ store: 'vault' }, /a store and a reference/],
      [{ value: VALUE, store: 'vault', reference: 'deploy' }, /a store and a reference/],
    ] as const)
      expect(await house.ask('PUT /api/v1/projects/shop/secrets/KEY', asked)).toMatchObject({
        status: 422,
        text: expect.stringMatching(words),
      })
    expect((await house.ask('GET /api/v1/projects/shop/secrets')).body.items).toEqual([])
    expect(vault.asked.join()).not.toContain('other')
  })

  test('ends the run with words when the store gives it no more', async () => {
    const lying = held()
    await using vault = await fakeVault(lying, { token: TOKEN })
    await using house = await startHouse({ TAKT_VAULT_ADDR: vault.url, TAKT_VAULT_TOKEN: TOKEN })
    await using clone = await hostedProject(house, 'shop')
    await house.ask('PUT /api/v1/projects/shop/secrets/KEY', { store: 'vault', reference: 'deploy' })
    lying.delete('takt/default/shop/deploy')
    await clone.push({ '.takt.yml': FILE.replace('when: push', 'when: push, retry: 0') })
    await using runner = await hand(house)
    runner.say({ say: 'ready', slots: 1 })
    const { body } = await until(async () => {
      const run = await house.ask('GET /api/v1/runs/1')
      return run.body.state === 'errored' && run
    })
    expect(body.error).toEqual({
      code: 'secret_unreadable',
      message:
        'the secret KEY lies in Vault at `takt/default/shop/deploy`: there is nothing, or its newest version was deleted.',
    })
  })
})
