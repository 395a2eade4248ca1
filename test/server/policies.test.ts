import { expect, test } from 'vitest'
import { person } from '../support/people.ts'
import { hostedProject } from '../support/repository.ts'
import { startRunner } from '../support/runner.ts'
import { type House, startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

const AT = '/api/v1/organizations/default/policies'
const ONLY_OURS = `
# what runs here is built here
- { name: ours, effect: allow, image: ghcr.io/acme/** }
- { name: others, effect: deny, image: "**", message: "ask in #platform" }
- { name: long, effect: warn, run_time_over: 1h }
`
const fileWith = (image: string, more = '') => `jobs:\n  test: { image: "${image}", run: say x${more} }\n`

async function shop() {
  const stack = new AsyncDisposableStack()
  const house = stack.use(await startHouse())
  const clone = stack.use(await hostedProject(house, 'shop'))
  return { house, clone, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}
const set = (house: House, source: string) => house.ask(`PUT ${AT}`, { source })
const runs = async (house: House) => (await house.ask('GET /api/v1/runs')).body.items
const denied = async (house: House) =>
  (await house.ask('GET /api/v1/audit?actor=policies')).body.items as Record<string, unknown>[]

test('a file that a policy denies does not come into force, and says which policy it was and where', async () => {
  await using it = await shop()
  await it.clone.push({ '.takt.yml': fileWith('ghcr.io/acme/node:22') })
  await until(async () => (await runs(it.house)).length === 1)
  expect((await set(it.house, ONLY_OURS)).status).toBe(200)
  await it.clone.push({ '.takt.yml': fileWith('node:22') })
  const words = 'the image `node:22` of the job `test` is denied by the policy `others`: ask in #platform'
  const newest = await until(async () => {
    const { body } = await it.house.ask('GET /api/v1/projects/shop/pipelines/main')
    return body.newest_revision?.id !== body.revision?.id && body.newest_revision
  })
  expect(newest.diagnostics).toMatchObject([
    { severity: 'error', rule: 'policy', message: words, line: 2, column: 19 },
  ])
  expect(await denied(it.house)).toMatchObject([
    {
      ...{
        action: 'pipeline.sync',
        outcome: 'denied',
        project: 'shop',
        organization: 'default',
        reason: words,
      },
      ...{ target: '/projects/shop/pipelines/main on main', after: { rules: ['others'] } },
    },
  ])
})

test('what a policy warns of comes into force with a warning', async () => {
  await using it = await shop()
  await set(it.house, ONLY_OURS)
  await it.clone.push({ '.takt.yml': fileWith('ghcr.io/acme/node:22', ', timeout: 2h') })
  await until(async () => (await runs(it.house)).length === 1)
  const { body } = await it.house.ask('GET /api/v1/projects/shop/pipelines/main')
  expect(body.revision.diagnostics).toMatchObject([
    {
      severity: 'warning',
      message: 'the timeout of `2h` of the job `test` is warned of by the policy `long`',
    },
  ])
  expect(await denied(it.house)).toEqual([])
})

test('a run that was created before its policy does not begin', async () => {
  await using it = await shop()
  await it.clone.push({ '.takt.yml': fileWith('node:$(matrix.v)', ', matrix: { v: [22] }') })
  await until(async () => (await runs(it.house)).length === 1)
  await set(it.house, ONLY_OURS)
  await using _runner = await startRunner(it.house)
  const run = await until(async () => {
    const [first] = await runs(it.house)
    return first.state === 'errored' && (await it.house.ask(`GET /api/v1/runs/${first.id}`)).body
  })
  expect(run.error.code).toBe('policy_denied')
  expect(run.error.message).toContain(
    'The image `node:22` of the job `test` is denied by the policy `others`',
  )
  expect((await denied(it.house))[0]).toMatchObject({ action: 'run.start', target: `/runs/${run.id}` })
})

test('policies are tried on what is in force before they are set', async () => {
  await using it = await shop()
  await it.clone.push({ '.takt.yml': fileWith('node:22') })
  await until(async () => (await runs(it.house)).length === 1)
  const tried = (await it.house.ask(`POST ${AT}/try`, { source: ONLY_OURS })).body
  expect(tried).toMatchObject({
    files: 1,
    items: [{ project: 'shop', pipeline: 'main', lane: 'main', effect: 'deny', rule: 'others' }],
  })
  expect((await it.house.ask(`POST ${AT}/try`, {})).body.items).toEqual([])
  expect((await it.house.ask(`GET ${AT}`)).body).toMatchObject({ source: '', rules: [], updated_by: null })
})

test('policies are set by admins of the organization, on record with what they were before', async () => {
  await using it = await shop()
  const { token: as } = await person(it.house, 'vic', { role: 'viewer' })
  await set(it.house, ONLY_OURS)
  expect((await it.house.ask(`GET ${AT}`, undefined, { as })).body).toMatchObject({
    source: ONLY_OURS,
    updated_by: 'admin',
  })
  expect((await it.house.ask(`PUT ${AT}`, { source: '' }, { as })).status).toBe(403)
  await set(it.house, '')
  expect((await it.house.ask('GET /api/v1/audit?action=policy.set&outcome=done')).body.items).toMatchObject([
    { before: { source: ONLY_OURS }, after: { source: '' } },
    { before: { source: null }, after: { source: ONLY_OURS } },
  ])
})

test.each([
  ['- { name: a, effect: deny, image: "**", pictures: 1 }', /rule 1: Unrecognized key: "pictures"/],
  ['- { name: a, effect: forbid, image: "**" }', /rule 1, effect: /],
  ['- name: [', /flow|Flow/],
  ['rules: []', /expected array/],
  ['- &a { name: a, effect: deny, image: "**" }\n- *a', /two rules are called `a`/],
])('%s is refused in words', async (source, words) => {
  await using house = await startHouse()
  const { status, body } = await set(house, source)
  expect({ status, code: body.code }).toEqual({ status: 422, code: 'bad-policies' })
  expect(body.detail).toMatch(words)
})
