import { expect, test } from 'vitest'
import { person } from '../support/people.ts'
import { hostedProject } from '../support/repository.ts'
import type { House } from '../support/server.ts'
import { runnerOf, steeredLine } from '../support/steer.ts'
import { until } from '../support/until.ts'

const AT = '/api/v1/organizations/default/policies'
const set = (house: House, source: string, headers: Record<string, string> = {}, as = house.token) =>
  house.ask(`PUT ${AT}`, { source }, { headers, as })
const denied = async (house: House) =>
  (await house.ask('GET /api/v1/audit?actor=policies')).body.items as Record<string, unknown>[]

const THREE = 'jobs: { a: { run: x }, b: { run: x }, c: { run: x } }'
const SHARE = "- { name: share, effect: deny, runs_over: 1, message: 'machines are dear' }"

test('of more runs than a policy lets a project have, the rest waits, says for what, and follows', async () => {
  await using it = await steeredLine(THREE)
  expect((await set(it.house, SHARE)).status).toBe(200)
  await it.push()
  const first = await it.claim()
  expect(await it.claim()).toBeNull()
  const words = 'waits: the policy `share` lets shop have 1 at once: machines are dear'
  const held = async () => (await it.runs()).filter((run) => run.state === 'queued').map((run) => run.held)
  expect(await held()).toEqual([words, words])
  const id = (await it.runs()).findLast((run) => run.state === 'queued')?.id
  expect((await it.house.ask(`GET /api/v1/runs/${id}`)).body.held).toBe(words)
  const [entry] = await denied(it.house)
  expect(entry).toMatchObject({
    action: 'run.start',
    outcome: 'denied',
    reason: words,
    after: { rules: ['share'] },
  })
  await it.endRun(first!.id, 'succeed')
  expect(await held()).toEqual([null, words])
  const second = await it.claim()
  expect(await it.claim()).toBeNull()
  await it.endRun(second!.id, 'fail')
  expect(await it.claim()).not.toBeNull()
})

test('two runners that ask at once do not get past a policy together', async () => {
  await using it = await steeredLine(THREE)
  await set(it.house, SHARE)
  await it.push()
  const got = await Promise.all([it.claim(), it.claim(), it.claim()])
  expect(got.filter((each) => each !== null)).toHaveLength(1)
})

test('a policy of runs is each lane’s or project’s that it names, and a rule before it may except', async () => {
  await using it = await steeredLine(`triggers: { push: ['**'] }\n${THREE}`)
  await set(it.house, `- { name: free, effect: allow, runs_over: 1, lanes: main }\n${SHARE}`)
  await it.push()
  for (let run = 0; run < 3; run++) expect(await it.claim()).not.toBeNull()
  await it.push({}, 'topic')
  expect(await it.claim()).not.toBeNull()
  expect(await it.claim()).toBeNull()
})

test('who waits for a policy goes on when it is gone', async () => {
  await using it = await steeredLine(THREE)
  await set(it.house, SHARE)
  await it.push()
  await it.claim()
  expect(await it.claim()).toBeNull()
  await set(it.house, '')
  expect(await until(() => it.claim(), { withinMs: 30_000 })).toMatchObject({ lease: expect.any(String) })
})

const HOUSE = '- { name: house, effect: deny, runs_over: 2, per: organization, message: machines are dear }'

test('a policy may bound the runs of a whole organization, whichever projects they are of', async () => {
  await using it = await steeredLine(THREE)
  await using lib = await hostedProject(it.house, 'lib')
  expect((await set(it.house, HOUSE)).status).toBe(200)
  await it.push()
  await lib.push({ '.takt.yml': 'jobs: { z: { run: x } }' })
  await it.quiet()
  const [first, second] = await Promise.all([it.claim(), it.claim(), it.claim()])
  const got = [first, second].filter((each) => each !== null)
  expect(await it.claim()).toBeNull()
  const words = 'waits: the policy `house` lets the organization have 2 at once: machines are dear'
  const held = async () => (await it.runs()).filter((run) => run.state === 'queued').map((run) => run.held)
  expect(await held()).toEqual([words, words])
  expect((await denied(it.house))[0]).toMatchObject({ outcome: 'denied', after: { rules: ['house'] } })
  await it.endRun(got[0]!.id, 'succeed')
  expect(await held()).toEqual([null, words])
  expect(await it.claim()).not.toBeNull()
  expect(await it.claim()).toBeNull()
})

test('more runs than a policy warns of go on, and each says so that begins beyond', async () => {
  await using it = await steeredLine(THREE)
  await set(it.house, SHARE.replace('deny', 'warn'))
  await it.push()
  const ids = [await it.claim(), await it.claim()].map((each) => each?.id)
  const warnings = async (id: number | undefined) =>
    (await it.house.ask(`GET /api/v1/runs/${id}`)).body.warnings
  expect(await warnings(ids[0])).toEqual([])
  expect(await warnings(ids[1])).toMatchObject([
    {
      rule: 'share',
      words: 'that shop has more than 1 at once is warned of by the policy `share`: machines are dear',
    },
  ])
  expect(await denied(it.house)).toEqual([])
})

test('a label that a matrix or a form puts in is judged as it comes out', async () => {
  const file = "jobs: { a: { run: x, matrix: { on: [gpu, small] }, runs_on: ['$(matrix.on)'] } }"
  await using it = await steeredLine(file)
  await set(it.house, '- { name: metal, effect: deny, label: gpu }')
  await it.push()
  const offers = { gpu: '', small: '' }
  expect(await it.claim(offers)).not.toBeNull()
  expect(await it.claim(offers)).toBeNull()
  const runs = (await it.house.ask('GET /api/v1/runs')).body.items as { state: string; error: unknown }[]
  expect(runs.filter(({ state }) => state === 'errored')).toMatchObject([
    {
      error: {
        code: 'policy_denied',
        message: 'The label `gpu` of the job `a` is denied by the policy `metal`.',
      },
    },
  ])
})

const DIND = `docker.io/library/dind@sha256:${'d1'.repeat(32)}`
const POWERS = `jobs: { build: { image: '${DIND}', run: x } }`

/** A line whose runner gives all powers of root to an image. */
async function powerfulLine() {
  const it = await steeredLine(`triggers: { push: ['**'] }\n${POWERS}`)
  await runnerOf(it.house.db)
  await it.house.db
    .updateTable('runners')
    .set({ privileged_images: [DIND] })
    .execute()
  return it
}

test('a policy denies the powers of root that an operator gives to an image, and the run says which', async () => {
  await using it = await powerfulLine()
  await it.push()
  await set(it.house, "- { name: calm, effect: deny, privileged: '**', message: 'build with put' }")
  expect(await it.claim()).toBeNull()
  const [run] = (await it.house.ask('GET /api/v1/runs')).body.items
  const words = `privileged running of \`${DIND}\` of the job \`build\` is denied by the policy \`calm\`: build with put`
  expect(run).toMatchObject({ state: 'errored', error: { code: 'policy_denied' } })
  expect(run.error.message.toLowerCase()).toContain(words)
  expect((await denied(it.house))[0]).toMatchObject({ action: 'run.start', after: { rules: ['calm'] } })
  await it.push({ '.takt.yml': `${POWERS} # once more` })
  const { body } = await it.house.ask('GET /api/v1/projects/shop/pipelines/main')
  expect(body.newest_revision.diagnostics).toMatchObject([
    { severity: 'error', rule: 'policy', message: words },
  ])
  const tried = await it.house.ask(`POST ${AT}/try`, {})
  expect(tried.body.items).toMatchObject([{ rule: 'calm', words }])
})

test('a policy warns of powers of root, and speaks of none where no operator gives them', async () => {
  await using it = await powerfulLine()
  await set(it.house, "- { name: calm, effect: warn, privileged: 'docker.io/library/dind@*' }")
  await it.push()
  const taken = await it.claim()
  const warnings = async (id: number) => (await it.house.ask(`GET /api/v1/runs/${id}`)).body.warnings
  expect(await warnings(taken!.id)).toMatchObject([{ rule: 'calm' }])
  await it.house.db.updateTable('runners').set({ privileged_images: [] }).execute()
  await it.push()
  expect(await warnings((await it.claim())!.id)).toEqual([])
})

const GATE = 'jobs: { ship: { approve: true, run: x } }'
const decide = (house: House, as: string, id = 1) => house.ask(`POST /api/v1/gates/${id}/approve`, {}, { as })

test('a policy says who may decide at gates, beyond what the file says, and the refusal is on record', async () => {
  await using it = await steeredLine(GATE)
  const ann = await person(it.house, 'ann', { role: 'maintainer' }) // as git says of the commit
  const bo = await person(it.house, 'bo', { role: 'approver' })
  const cy = await person(it.house, 'cy', { role: 'maintainer' })
  const source = `
- { name: four-eyes, effect: deny, approver: author, message: somebody else looks }
- { name: seniors, effect: allow, approver: ['role:maintainer', 'person:dee'] }
- { name: nobody-else, effect: deny, approver: '*' }
`
  expect((await set(it.house, source)).status).toBe(200)
  await it.push()
  await until(async () => (await it.house.ask('GET /api/v1/gates?state=waiting')).body.items.length === 1)
  const words = 'the policy `four-eyes` does not let you decide here: somebody else looks'
  const gates = await it.house.ask('GET /api/v1/gates?state=waiting', undefined, { as: ann.token })
  expect(gates.body.items).toMatchObject([{ refusal: words }])
  expect(await decide(it.house, ann.token)).toMatchObject({ status: 403, body: { detail: words } })
  expect(await decide(it.house, bo.token)).toMatchObject({
    status: 403,
    body: { detail: 'the policy `nobody-else` does not let you decide here' },
  })
  const { body } = await until(async () => {
    const found = await it.house.ask('GET /api/v1/audit?action=gate.approve&actor=ann')
    return found.body.items.length > 0 && found
  })
  expect(body.items).toMatchObject([{ outcome: 'denied', reason: expect.stringContaining('four-eyes') }])
  expect((await decide(it.house, cy.token)).body.state).toBe('approved')
})

test('a policy warns of who decides, and says so beforehand: it is decided, and the run says so', async () => {
  await using it = await steeredLine(GATE)
  const ann = await person(it.house, 'ann', { role: 'maintainer' })
  await set(it.house, '- { name: four-eyes, effect: warn, approver: author, message: let another look }')
  await it.push()
  await until(async () => (await it.house.ask('GET /api/v1/gates?state=waiting')).body.items.length === 1)
  const bo = await person(it.house, 'bo', { role: 'approver' })
  const shown = async (as: string) => (await it.house.ask('GET /api/v1/gates/1', undefined, { as })).body
  expect(await shown(ann.token)).toMatchObject({
    refusal: null,
    warning: 'that you decide is warned of by the policy `four-eyes`: let another look',
  })
  expect(await shown(bo.token)).toMatchObject({ refusal: null, warning: null })
  expect((await it.house.ask('GET /api/v1/runs/1')).body.warnings).toEqual([])
  const decided = (await decide(it.house, ann.token)).body
  expect(decided).toMatchObject({ state: 'approved', warning: null })
  expect((await it.house.ask('GET /api/v1/runs/1')).body.warnings).toMatchObject([
    {
      rule: 'four-eyes',
      words: 'that ann decided is warned of by the policy `four-eyes`: let another look',
    },
  ])
})

test('of two admins who save at once the second is told, and overwrites nothing', async () => {
  await using it = await steeredLine(GATE)
  const read = await it.house.ask(`GET ${AT}`)
  expect(read.body.version).toBe(0)
  const none = { 'if-none-match': '*' }
  const both = await Promise.all([set(it.house, SHARE, none), set(it.house, '[]', none)])
  expect(both.map(({ status }) => status).toSorted()).toEqual([200, 412])
  const now = await it.house.ask(`GET ${AT}`)
  expect(now.headers.get('etag')).toBe('"1"')
  expect((await set(it.house, SHARE, { 'if-match': '"1"' })).body.version).toBe(2)
  const late = await set(it.house, '[]', { 'if-match': '"1"' })
  expect(late).toMatchObject({ status: 412, body: { code: 'changed-meanwhile' } })
  expect((await it.house.ask(`GET ${AT}`)).body.source).toBe(SHARE)
  expect((await set(it.house, '[]')).body.version).toBe(3)
})
