import { expect, test } from 'vitest'
import type { DeliveryId } from '#pipelines/ids.ts'
import { sweepPayloads } from '../../server/webhooks/sweep-payloads.ts'
import { github, pushOf, settled } from '../support/github.ts'
import { person } from '../support/people.ts'
import { publicGit } from '../support/public-git.ts'
import { sendEvent } from '../support/senders.ts'
import { startHouse } from '../support/server.ts'
import { steeredLine } from '../support/steer.ts'
import { until } from '../support/until.ts'

const LINE = `resources: { src: { git: . }, ticket: { event: { source: tracker, if: { action: closed } } } }
jobs: { test: { get: src, run: say x }, triage: { get: ticket, run: say x } }
`
const list = async (house: Awaited<ReturnType<typeof startHouse>>, query = '') =>
  (await house.ask(`GET /api/v1/deliveries${query}`)).body.items as {
    id: number
    source: string
    state: string
  }[]

test('a delivery shows its payload, its headers without secrets, and the versions and runs that came of it', async () => {
  await using it = await steeredLine(LINE)
  await it.push()
  const { delivery } = (await sendEvent(it.house, { action: 'closed', n: 7 }, { id: 'e1' })).body
  await it.runs('triage')
  const { body } = await it.house.ask(`GET /api/v1/deliveries/${delivery}`)
  expect(body).toMatchObject({
    ...{ id: delivery, source: 'events', event: 'tracker', about: 'e1', project: 'shop', state: 'processed' },
    ...{ delivery_id: 'e1', signed: true, replays: 0, payload: '{"action":"closed","n":7}', cut: false },
    versions: [{ project: 'shop', pipeline: 'main', lane: 'main', resource: 'ticket', version: 'e1' }],
    runs: [{ job: 'triage', lane: 'main', state: 'queued' }],
  })
  expect(Object.keys(body.headers).toSorted()).toEqual([
    'content-type',
    'user-agent',
    'webhook-id',
    'webhook-timestamp',
  ])
  const raw = await it.house.ask(`GET /api/v1/deliveries/${delivery}/payload`)
  expect(raw.text).toBe('{"action":"closed","n":7}')
  expect(raw.headers.get('content-disposition')).toContain('attachment')
})

test('deliveries are found by project, sender, event and what became of them', async () => {
  await using it = await steeredLine(LINE)
  const { house } = it
  await it.push()
  await sendEvent(house, { action: 'closed' })
  await sendEvent(house, { action: 'opened' })
  await github(house, pushOf('https://github.com/acme/none.git', 'a'.repeat(40)))
  await it.runs()
  const states = async (query: string) =>
    (await list(house, query)).map(({ source, state }) => `${source} ${state}`)
  expect(await states('')).toEqual([
    'github ignored',
    'events ignored',
    'events processed',
    'hosted processed',
  ])
  expect(await states('?project=shop')).toEqual(['events ignored', 'events processed', 'hosted processed'])
  expect(await states('?project=shop&source=events&state=ignored')).toEqual(['events ignored'])
  expect(await states('?event=tracker&state=processed')).toEqual(['events processed'])
  expect(await states('?source=gitlab')).toEqual([])
  expect((await house.ask('GET /api/v1/deliveries?source=odd')).status).toBe(422)
})

test('a replay looks once more and makes nothing twice, and is on record with what was there before', async () => {
  await using it = await steeredLine(LINE)
  const { house } = it
  await it.push()
  const { delivery } = (await sendEvent(house, { action: 'closed' }, { id: 'e1' })).body
  await it.runs('triage')
  expect((await house.ask(`POST /api/v1/deliveries/${delivery}/replay`)).status).toBe(202)
  const again = await until(async () => {
    const { body } = await house.ask(`GET /api/v1/deliveries/${delivery}`)
    return body.state !== 'received' && body
  })
  expect(again).toMatchObject({ replays: 1, reason: 'shop/main: ticket was told before' })
  expect(await it.runs('triage')).toHaveLength(1)
  const { items } = (await house.ask('GET /api/v1/audit?action=delivery.replay')).body
  expect(items).toMatchObject([
    {
      outcome: 'done',
      target: `delivery ${delivery}`,
      before: { state: 'processed', reason: 'shop/main: ticket' },
    },
  ])
})

test('what was told of a project is for those who maintain it; for others there is no such delivery', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  await house.ask('POST /api/v1/projects', { name: 'shop', repository: { url: git.url } })
  await github(house, pushOf(git.url, '0'.repeat(40), 'refs/heads/gone'))
  await github(house, pushOf('https://github.com/acme/none.git', 'a'.repeat(40)))
  await settled(house, 2)
  const { token: viewer } = await person(house, 'vera', { role: 'viewer', project: 'shop' })
  const { token: maintainer } = await person(house, 'max', { role: 'maintainer', project: 'shop' })
  const as = async (token: string, id: number) =>
    (await house.ask(`GET /api/v1/deliveries/${id}`, undefined, { as: token })).status
  expect([await as(viewer, 1), await as(maintainer, 1), await as(maintainer, 2)]).toEqual([404, 200, 404])
  expect((await house.ask('GET /api/v1/deliveries/1/payload', undefined, { as: viewer })).status).toBe(404)
  expect((await house.ask('POST /api/v1/deliveries/2/replay', undefined, { as: maintainer })).status).toBe(
    404,
  )
})

test('payloads are removed when their time is over, but for those that are still needed; the rows say so and are not replayed', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  await house.ask('POST /api/v1/projects', { name: 'shop', repository: { url: git.url } })
  for (const name of ['one', 'two', 'three'])
    await github(house, pushOf(git.url, '0'.repeat(40), `refs/heads/${name}`))
  await settled(house, 3)
  const bodies = async () => {
    const rows = await house.db.selectFrom('deliveries').select(['id', 'body']).orderBy('id').execute()
    return rows.flatMap(({ id, body }) => (body === null ? [] : [id]))
  }
  await sweepPayloads(house.db, 30)
  expect(await bodies()).toEqual([1, 2, 3])
  await house.db
    .updateTable('deliveries')
    .set({ processed_at: new Date(Date.now() - 31 * 24 * 3_600_000) })
    .execute()
  const { id: repository_id } = await house.db
    .selectFrom('repositories')
    .select('id')
    .executeTakeFirstOrThrow()
  const open = { repository_id, name: 'refs/pull/1/head', sha: 'a'.repeat(40), delivery_id: 2 as DeliveryId }
  await house.db.insertInto('applied_pushes').values(open).execute()
  expect(await sweepPayloads(house.db, 30)).toBe(false)
  expect(await bodies()).toEqual([2, 3]) // of an open pull request, and the newest of its repository

  const { body } = await house.ask('GET /api/v1/deliveries/1')
  expect(body).toMatchObject({ state: 'processed', payload: '', bytes: 0, cut: false })
  expect(Date.now() - Date.parse(body.payload_removed_at)).toBeLessThan(60_000)
  for (const request of ['POST /api/v1/deliveries/1/replay', 'GET /api/v1/deliveries/1/payload']) {
    const refused = await house.ask(request)
    expect(refused).toMatchObject({ status: 410, body: { code: 'payload-removed' } })
    expect(refused.body.detail).toMatch(/the payload of delivery 1 was removed on \d{4}-.*TAKT_DELIVERY_DAYS/)
  }
  await house.db
    .updateTable('applied_pushes')
    .set({ sha: null })
    .where('delivery_id', '=', 2 as DeliveryId)
    .execute()
  await sweepPayloads(house.db, 30)
  expect(await bodies()).toEqual([3])
})
