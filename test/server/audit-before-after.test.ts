import { expect, test } from 'vitest'
import { person } from '../support/people.ts'
import { runnerOf, steeredLine } from '../support/steer.ts'

const FILE = `resources: { src: { git: . }, settings: { params: { REGION: eu, SIZE: "1" } } }
jobs: { build: { get: [src, settings], run: x } }
`
const LINE = '/projects/shop/pipelines/main'
const VERSION = 'VERSION'
const OWN = '/organizations/default'
const SECRET = 'hunter22-hunter22'
const ANYWHERE = { environment: null, job: null, trigger: null, branch: null }
const BUILD = { ...ANYWHERE, job: 'build' }
const VIEWER = { organization: 'default', project: null, role: 'viewer' }

type Setting = object | null
type Step = readonly [request: string, body: object | undefined, before: Setting, after: Setting]

/** One after the other: what is asked, and what the entry tells of the setting before and after it. */
const STEPS: readonly Step[] = [
  ...steps(
    [`PUT ${LINE}/resources/src/pin`, { version: VERSION, reason: 'a fair' }],
    [`PUT ${LINE}/resources/src/pin`, { version: VERSION, reason: 'a feast' }],
    [`DELETE ${LINE}/resources/src/pin`],
  )(null, pinned('a fair'), pinned('a feast'), null),
  [`DELETE ${LINE}/resources/src/pin`, undefined, null, null],
  ...steps(
    [`POST ${LINE}/resources/src/versions/${VERSION}/disable`, { reason: 'it leaks' }],
    [`POST ${LINE}/resources/src/versions/${VERSION}/enable`],
  )(disabled(null), disabled('it leaks'), disabled(null)),
  ...steps(
    [`POST ${LINE}/jobs/build/pause`, { reason: 'lunch' }],
    [`POST ${LINE}/jobs/build/pause`, { reason: 'tea' }],
    [`POST ${LINE}/jobs/build/resume`],
  )(paused(null), paused('lunch'), paused('tea'), paused(null)),
  ...steps([`POST ${LINE}/pause`, { reason: 'lunch' }], [`POST ${LINE}/resume`])(
    paused(null),
    paused('lunch'),
    paused(null),
  ),
  ...steps([`PUT ${LINE}/resources/settings/params`, { set: { REGION: 'us' } }])(
    { lane: 'main', version: '1', set: { REGION: 'eu' } },
    { lane: 'main', version: '2', set: { REGION: 'us' } },
  ),
  ...steps(
    ['POST /runners/steered/pause', { reason: 'a new disk' }],
    ['POST /runners/steered/drain'],
    ['POST /runners/steered/resume'],
  )(
    { mode: 'active', reason: null },
    { mode: 'paused', reason: 'a new disk' },
    { mode: 'draining', reason: null },
    { mode: 'active', reason: null },
  ),
  ...steps(['POST /runners/steered/reset'])({ resets: 0 }, { resets: 1 }),
  ...steps(
    [`PUT ${OWN}/members/people/vic`, { role: 'viewer' }],
    [`PUT ${OWN}/members/people/vic`, { role: 'operator' }],
    [`DELETE ${OWN}/members/people/vic`],
  )(null, { role: 'viewer' }, { role: 'operator' }, null),
  ...steps(
    ['PUT /projects/shop/members/people/vic', { role: 'approver' }],
    ['DELETE /projects/shop/members/people/vic'],
  )(null, { role: 'approver' }, null),
  [`PUT ${OWN}/teams/ship`, undefined, null, { members: [], roles: [] }],
  [`PUT ${OWN}/teams/ship`, undefined, null, null],
  [`PUT ${OWN}/teams/ship/people/vic`, undefined, { member: false }, { member: true }],
  [`DELETE ${OWN}/teams/ship/people/vic`, undefined, { member: true }, { member: false }],
  [`PUT ${OWN}/teams/ship/people/vic`, undefined, { member: false }, { member: true }],
  [`PUT ${OWN}/members/teams/ship`, { role: 'viewer' }, null, { role: 'viewer' }],
  [`DELETE ${OWN}/teams/ship`, undefined, { members: ['vic'], roles: [VIEWER] }, null],
  ...steps(
    ['PATCH /projects/shop/settings', { public: true }],
    ['PATCH /projects/shop/settings', { organization: 'other' }],
    ['PATCH /projects/shop/settings', { public: false, organization: 'default' }],
  )(
    { public: false, organization: 'default' },
    { public: true, organization: 'default' },
    { public: true, organization: 'other' },
    { public: false, organization: 'default' },
  ),
  ...['/projects/shop', OWN].flatMap((owner): Step[] => [
    [`PUT ${owner}/secrets/KEY`, { value: SECRET }, null, { value: 'set', ...ANYWHERE }],
    [`PUT ${owner}/secrets/KEY`, { value: `${SECRET}2` }, ANYWHERE, { value: 'changed', ...ANYWHERE }],
    [`POST ${owner}/secrets/KEY/narrow`, { from: {}, to: { job: 'build' } }, ANYWHERE, BUILD],
    [`DELETE ${owner}/secrets/KEY?job=build`, undefined, BUILD, null],
  ]),
  ...steps(['POST /users/vic/disable'], ['POST /users/vic/enable'])(
    { disabled: false },
    { disabled: true },
    { disabled: false },
  ),
  ...steps(['PUT /users/vic/role', { role: 'admin' }], ['PUT /users/vic/role', { role: 'member' }])(
    { role: 'member' },
    { role: 'admin' },
    { role: 'member' },
  ),
]

/** Requests that change the same setting, each from what the one before it left. */
function steps(...asked: (readonly [request: string, body?: object])[]) {
  return (...settings: readonly Setting[]): Step[] =>
    asked.map(([request, body], at) => [request, body, settings[at]!, settings[at + 1]!])
}

function pinned(reason: string) {
  return { lane: 'main', version: VERSION, reason }
}
function disabled(reason: string | null) {
  return { lane: 'main', version: VERSION, disabled: reason !== null, reason }
}
function paused(reason: string | null) {
  return { paused: reason !== null, reason }
}

async function place() {
  const it = await steeredLine(FILE)
  const version = await it.clone.push({ '.takt.yml': FILE })
  await it.quiet()
  await runnerOf(it.house.db)
  await person(it.house, 'vic')
  await it.house.db.insertInto('organizations').values({ name: 'other' }).execute()
  const filled = <T>(of: T): T => JSON.parse(JSON.stringify(of ?? null).replaceAll(VERSION, version))
  const newest = async () => (await it.house.ask('GET /api/v1/audit?limit=1')).body.items[0]
  /** What the newest entry tells when this has been asked. */
  const leaves = async (request: string, body?: object) => {
    const path = filled(request).replace(' ', ' /api/v1')
    const answer = await it.house.ask(path, body && filled(body))
    expect(answer.status, `${request}: ${answer.text}`).toBeLessThan(300)
    return { answer, entry: await newest() }
  }
  return { house: it.house, filled, leaves, [Symbol.asyncDispose]: () => it[Symbol.asyncDispose]() }
}

// some fifty requests, one after the other, on a machine that may be busy
test('the entry of a change tells the setting as it was, and as it is now', async () => {
  await using it = await place()
  for (const [request, body, before, after] of STEPS) {
    const { entry } = await it.leaves(request, body)
    expect(entry.target, request).toBe(it.filled(request).replace(/^\w+ |\?.*$/g, ''))
    expect({ before: entry.before, after: entry.after }, request).toEqual(it.filled({ before, after }))
  }
  const { text } = await it.house.ask('GET /api/v1/audit/export')
  expect(text).not.toContain(SECRET)
  expect((await it.house.ask('GET /api/v1/audit/verify')).body.broken).toBeNull()
})

test('the entry of a token that ends tells which one it was, and no entry its secret', async () => {
  await using it = await place()
  const { answer, entry: made } = await it.leaves('POST /tokens', { name: 'mine', role: 'viewer' })
  const { secret, ...shown } = answer.body
  expect(made).toMatchObject({ before: null, after: shown })
  const { entry: ended } = await it.leaves(`DELETE /tokens/${shown.id}`)
  expect(ended).toMatchObject({ target: `/tokens/${shown.id}`, before: shown, after: null })
  const { text } = await it.house.ask('GET /api/v1/audit/export')
  expect(text).not.toContain(secret)
  expect(text).toContain(shown.prefix)
})

test('the entry of a program that is retired tells what it had', async () => {
  await using it = await place()
  const accounts = `${OWN}/service-accounts`
  const { entry: made } = await it.leaves(`POST ${accounts}`, { name: 'bot', role: 'viewer' })
  expect(made).toMatchObject({ before: null, after: { role: 'viewer' } })
  await it.leaves(`POST ${accounts}/bot/tokens`, { name: 'ci' })
  expect((await it.leaves(`DELETE ${accounts}/bot`)).entry).toMatchObject({
    before: { disabled: false, tokens: ['ci'], roles: [VIEWER] },
    after: { disabled: true, tokens: [], roles: [] },
  })
})

test('the entry of a change that was refused half way tells of none', async () => {
  await using it = await place()
  const refused = await it.house.ask(`POST /api/v1${OWN}/service-accounts`, { name: 'vic', role: 'viewer' })
  expect(refused.status).toBe(409)
  const { items } = (await it.house.ask('GET /api/v1/audit?action=service-account.')).body
  expect(items).toMatchObject([{ outcome: 'refused', before: null, after: null }])
})
