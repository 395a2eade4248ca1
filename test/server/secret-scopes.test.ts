import { describe, expect, test } from 'vitest'
import { claimRun } from '../../server/runs/claim.ts'
import { NO_STORES } from '../../server/secrets/stores/stores.ts'
import { startsOf } from '../../server/runs/starts-of.ts'
import { keyFile } from '../../server/access/key-files.ts'
import { Keyring } from '../../server/secrets/keyring.ts'
import { person } from '../support/people.ts'
import { runnerOf, steeredLine } from '../support/steer.ts'

const FILE = `
triggers: { push: ['**'], tag: ['v*'], pull_request: main }
jobs:
  build: { when: [push, tag, manual], secrets: [KEY], run: use it }
  deploy: { needs: build, when: [push, tag], secrets: [KEY], run: use it }
`
const OF = { project: 'projects/shop', organization: 'organizations/default' }

async function line() {
  const it = await steeredLine(FILE)
  const set = (where: keyof typeof OF, body: object, name = 'KEY') =>
    it.house.ask(`PUT /api/v1/${OF[where]}/secrets/${name}`, body)
  const keys = await Keyring.open(async () => [await keyFile(it.house.dataDir, 'secret.key')])
  /** Take what is due. @returns What the job gets for KEY; else why the run cannot begin. */
  const given = async () => {
    await it.quiet()
    const lease = { runner: await runnerOf(it.house.db), token: crypto.randomUUID(), leaseMs: 600_000 }
    const checkoutOf = () => ({ url: 'https://example.org/x', credential: null })
    const plan = await claimRun(it.house.db, lease, {
      checkoutOf,
      keys,
      stores: NO_STORES,
      issuer: () => 'https://takt.example',
    })
    if (plan) return { run: plan.run, value: plan.secrets['KEY'], withheld: plan.withheld }
    const { body } = await it.house.ask('GET /api/v1/runs')
    return { run: body.items[0].id, error: body.items[0].error?.message as string }
  }
  const starts = (run: number) => it.house.db.transaction().execute((tx) => startsOf(tx, run as never))
  return { ...it, set, given, starts }
}

describe('a run gets the most specific secret that is for it', () => {
  test('a project’s own, then its organization’s, which every project of it has', async () => {
    await using it = await line()
    await it.set('organization', { value: 'the organization’s' })
    await it.push()
    expect(await it.given()).toMatchObject({ value: 'the organization’s' })
    await it.set('project', { value: 'the project’s' })
    await it.push()
    expect(await it.given()).toMatchObject({ value: 'the project’s' })
  })

  test('by job, branch and trigger; a run that none is for ends with the reasons, and without a value', async () => {
    await using it = await line()
    await it.set('project', { value: 'for the branch', branch: 'release/*' })
    await it.set('project', { value: 'for another job', job: 'other' })
    await it.push()
    const { error } = await it.given()
    expect(error).toMatch(/is not for this run.*for the job other.*this is build.*release\/\*.*this is main/)
    expect(error).not.toMatch(/for the branch\b(?! release)|another/)
    await it.push({}, 'release/1')
    expect(await it.given()).toMatchObject({ value: 'for the branch' })
    await it.set('project', { value: 'for pushes to it', branch: 'release/*', trigger: 'push' })
    await it.push({}, 'release/1')
    expect(await it.given()).toMatchObject({ value: 'for pushes to it' })
  })

  test('a push, a job before it, a person and a repetition are told apart', async () => {
    await using it = await line()
    for (const trigger of ['push', 'upstream', 'manual'])
      await it.set('project', { value: `by ${trigger}`, trigger })
    await it.push()
    const pushed = await it.given()
    expect(pushed.value).toBe('by push')
    await it.endRun(pushed.run as never, 'succeed')
    const after = await it.given()
    expect(after.value).toBe('by upstream')
    expect(await it.starts(after.run)).toEqual(['upstream'])
    await it.house.ask('POST /api/v1/projects/shop/pipelines/main/jobs/build/runs', {})
    expect((await it.given()).value).toBe('by manual')
    await it.house.ask(`POST /api/v1/runs/${pushed.run}/retry`)
    expect((await it.given()).value).toBe('by push')
  })
})

test('a pull request gets no secret, whatever it is for and whoever starts the run', async () => {
  await using it = await line()
  const everything = [{}, { job: '**' }, { branch: '**' }, { trigger: 'manual' }, { trigger: 'push' }]
  for (const scope of everything)
    for (const where of ['project', 'organization'] as const)
      await it.set(where, { value: 'never for strangers', ...scope })
  await it.push()
  await it.house.db.updateTable('lanes').set({ kind: 'pull_request' }).execute()
  expect(await it.given()).toMatchObject({ value: undefined, withheld: ['KEY'] })
  const { body } = await it.house.ask(
    'GET /api/v1/projects/shop/pipelines/main/jobs/build/secrets?trigger=manual',
  )
  expect(body).toMatchObject({ trusted: false, items: [{ name: 'KEY', chosen: null }] })
})

test('what is for some runs only is not sealed for others: a row that is changed opens nothing', async () => {
  await using it = await line()
  await it.set('project', { value: 'for production only', environment: 'production' })
  await it.house.db.updateTable('secrets').set({ environment: null }).execute()
  await it.push()
  expect((await it.given()).error).toMatch(/was changed or belongs elsewhere/)
})

describe('over the API', () => {
  test('a secret is narrowed with its value, told from others of its name, and removed alone', async () => {
    await using it = await line()
    const at = '/api/v1/projects/shop/secrets'
    await it.set('project', { value: 'the first of them' })
    const narrowed = await it.house.ask(`POST ${at}/KEY/narrow`, { from: {}, to: { branch: 'main' } })
    expect(narrowed).toMatchObject({ status: 200, body: { name: 'KEY', branch: 'main', job: null } })
    await it.push()
    expect(await it.given()).toMatchObject({ value: 'the first of them' })
    await it.set('project', { value: 'the second one' })
    expect(await it.house.ask(`POST ${at}/KEY/narrow`, { from: {}, to: { branch: 'main' } })).toMatchObject({
      status: 409,
      body: { code: 'secret-exists' },
    })
    expect((await it.house.ask(`DELETE ${at}/KEY`)).status).toBe(204)
    const gone = await it.house.ask(`DELETE ${at}/KEY`)
    expect(gone).toMatchObject({ status: 404, body: { code: 'secret-not-found' } })
    expect(gone.body.detail).toMatch(/there is one for the branch main/)
    expect((await it.house.ask(`DELETE ${at}/KEY?branch=main`)).status).toBe(204)
    expect((await it.house.ask(`GET ${at}`)).body.items).toEqual([])
  })

  test('a project’s list tells what it shares with its organization', async () => {
    await using it = await line()
    await it.set('organization', { value: 'shared by all', job: 'deploy-*' }, 'SHARED')
    const { body } = await it.house.ask('GET /api/v1/projects/shop/secrets')
    expect(body.inherited).toMatchObject([{ name: 'SHARED', owner: 'organization', job: 'deploy-*' }])
    expect((await it.house.ask('GET /api/v1/organizations/default/secrets')).body.items).toHaveLength(1)
    expect((await it.house.ask('GET /api/v1/organizations/none/secrets')).body.code).toBe(
      'organization-not-found',
    )
  })

  test.each([
    [{ trigger: 'pull_request' }, /pull requests get no secrets/],
    [{ trigger: 'whim' }, /push, tag, schedule, manual, upstream/],
    [{ branch: '!main' }, /not what it is not for/],
    [{ job: '[a' }, /never closed/],
    [{ environment: 'No Such' }, /a-z, 0-9/],
  ])('%j is no scope', async (scope, words) => {
    await using it = await line()
    const { status, text } = await it.set('project', { value: 'hunter2hunter2', ...scope })
    expect(status).toBe(422)
    expect(text).toMatch(words)
    expect(text).not.toContain('hunter2')
  })

  test('what a job would get is told before it runs, with why not the others', async () => {
    await using it = await line()
    await it.set('organization', { value: 'the organization’s' })
    await it.set('project', { value: 'for deployments', job: 'deploy' })
    await it.push()
    const ask = async (query = '', job = 'build') =>
      (await it.house.ask(`GET /api/v1/projects/shop/pipelines/main/jobs/${job}/secrets${query}`)).body
    expect(await ask()).toMatchObject({ lane: 'main', trigger: 'push', trusted: true })
    expect((await ask()).items).toMatchObject([
      {
        name: 'KEY',
        chosen: { owner: 'organization' },
        passed_over: [
          { owner: 'project', job: 'deploy', because: 'it is for the job deploy, and this is build' },
        ],
      },
    ])
    expect((await ask('', 'deploy')).items[0].chosen).toMatchObject({ owner: 'project', job: 'deploy' })
    expect((await ask('?lane=none')).code).toBe('lane-not-found')
    expect((await ask('', 'none')).code).toBe('job-not-found')
  })

  test('an organization’s secrets are for who maintains it, and not for maintainers of one project', async () => {
    await using it = await line()
    const { token: as } = await person(it.house, 'mia', { role: 'maintainer', project: 'shop' })
    const put = (where: keyof typeof OF, token: string) =>
      it.house.ask(`PUT /api/v1/${OF[where]}/secrets/KEY`, { value: 'some value' }, { as: token })
    expect((await put('project', as)).status).toBe(200)
    expect((await put('organization', as)).status).toBe(404)
    const { token } = await person(it.house, 'max', { role: 'maintainer' })
    expect((await put('organization', token)).status).toBe(200)
  })

  test('no project of another organization gets an organization’s secret', async () => {
    await using it = await line()
    await it.house.db.insertInto('organizations').values({ name: 'other' }).execute()
    await it.house.ask('PUT /api/v1/organizations/other/secrets/KEY', { value: 'of the others' })
    await it.push()
    expect((await it.given()).error).toMatch(/is not there/)
  })
})
