import { WebSocket } from 'ws'
import { expect, test } from 'vitest'
import { person } from '../support/people.ts'
import { type House, startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

const names = async (house: House, list: string, as: string) =>
  (await house.ask(`GET /api/v1/${list}`, undefined, { as })).body.items.map(
    (each: { name: string }) => each.name,
  )

async function houseWithShop() {
  const house = await startHouse()
  await house.ask('POST /api/v1/projects', { name: 'shop' })
  return house
}

test('a role in an organization opens its projects, and one in a project opens that one', async () => {
  await using house = await houseWithShop()
  await house.ask('POST /api/v1/organizations', { name: 'other' })
  await house.ask('POST /api/v1/projects', { name: 'till', organization: 'other' })
  const { token: as } = await person(house, 'ada')
  expect(await names(house, 'projects', as)).toEqual([])
  const given = await house.ask('PUT /api/v1/organizations/other/members/people/ada', { role: 'operator' })
  expect(given).toMatchObject({
    status: 200,
    body: { items: [{ kind: 'person', name: 'ada', role: 'operator', project: null }] },
  })
  expect(await names(house, 'projects', as)).toEqual(['till'])
  await house.ask('PUT /api/v1/projects/shop/members/people/ada', { role: 'viewer' })
  expect(await names(house, 'projects', as)).toEqual(['shop', 'till'])
  expect((await house.ask('GET /api/v1/organizations', undefined, { as })).body.items).toMatchObject([
    { name: 'default', role: null, projects: ['shop'] },
    { name: 'other', role: 'operator', projects: ['till'] },
  ])
  await house.ask('DELETE /api/v1/organizations/other/members/people/ada')
  expect(await names(house, 'projects', as)).toEqual(['shop'])
  expect((await house.ask('DELETE /api/v1/organizations/other/members/people/ada')).body).toMatchObject({
    code: 'not-a-member',
    detail: '`ada` has no role of their own in other',
  })
})

test('who is in a team may what the team may, as long as they are in it', async () => {
  await using house = await houseWithShop()
  const { token: as } = await person(house, 'ada')
  const TEAM = '/api/v1/organizations/default/teams/ship'
  await house.ask(`PUT ${TEAM}`)
  await house.ask('PUT /api/v1/projects/shop/members/teams/ship', { role: 'maintainer' })
  expect((await house.ask(`PUT ${TEAM}/people/ada`)).body.items).toEqual([{ name: 'ship', members: ['ada'] }])
  expect((await house.ask('GET /api/v1/projects/shop/secrets', undefined, { as })).status).toBe(200)
  await house.ask(`DELETE ${TEAM}/people/ada`)
  expect((await house.ask('GET /api/v1/projects/shop/secrets', undefined, { as })).status).toBe(404)
  await house.ask(`PUT ${TEAM}/people/ada`)
  await house.ask(`DELETE ${TEAM}`)
  expect(await names(house, 'projects', as)).toEqual([])
})

test('who is admin of an organization gives roles in it, and in no other', async () => {
  await using house = await houseWithShop()
  await house.ask('POST /api/v1/organizations', { name: 'other' })
  const { token: as } = await person(house, 'ada', { role: 'admin' })
  await person(house, 'bob')
  const give = (organization: string) =>
    house.ask(`PUT /api/v1/organizations/${organization}/members/people/bob`, { role: 'viewer' }, { as })
  expect((await give('default')).status).toBe(200)
  expect((await give('other')).body.code).toBe('organization-not-found')
  const settings = await house.ask('PATCH /api/v1/projects/shop/settings', { organization: 'other' }, { as })
  expect(settings).toMatchObject({ status: 404, body: { code: 'organization-not-found' } })
})

test('a project moves with the roles of its people, and without those of the old organization’s teams', async () => {
  await using house = await houseWithShop()
  await house.ask('POST /api/v1/organizations', { name: 'other' })
  const { token: ada } = await person(house, 'ada', { role: 'viewer', project: 'shop' })
  const { token: bob } = await person(house, 'bob')
  await house.ask('PUT /api/v1/organizations/default/teams/ship')
  await house.ask('PUT /api/v1/organizations/default/teams/ship/people/bob')
  await house.ask('PUT /api/v1/projects/shop/members/teams/ship', { role: 'viewer' })
  expect((await house.ask('PATCH /api/v1/projects/shop/settings', { organization: 'other' })).body).toEqual({
    organization: 'other',
    public: false,
  })
  expect(await names(house, 'projects', ada)).toEqual(['shop'])
  expect(await names(house, 'projects', bob)).toEqual([])
  expect((await house.ask('DELETE /api/v1/organizations/other')).body).toMatchObject({
    code: 'organization-in-use',
  })
  expect((await house.ask('DELETE /api/v1/organizations/default')).body.detail).toContain('default stays')
  await house.ask('PATCH /api/v1/projects/shop/settings', { organization: 'default' })
  expect((await house.ask('DELETE /api/v1/organizations/other')).status).toBe(204)
})

/** What a dashboard is told over one socket. */
function socket(house: House, token: string) {
  const said: { say: string; watch: number; event?: { kind: string; project?: string }; code?: string }[] = []
  const ws = new WebSocket(house.url.replace('http', 'ws') + '/live', {
    headers: { authorization: `Bearer ${token}` },
  })
  ws.on('message', (frame: Buffer) => said.push(JSON.parse(frame.toString())))
  const say = (word: object) => ws.send(JSON.stringify(word))
  return { said, ws, say, [Symbol.dispose]: () => ws.terminate() }
}

test('a socket is told of what its person sees, from when to when they see it', async () => {
  await using house = await houseWithShop()
  const { token } = await person(house, 'ada')
  using live = socket(house, token)
  await until(() => live.ws.readyState === WebSocket.OPEN)
  live.say({ say: 'watch', watch: 1, topic: { of: 'all' }, after: 0 })
  live.say({ say: 'watch', watch: 2, topic: { of: 'project', project: 'shop' }, after: 0 })
  live.say({ say: 'tail', watch: 3, run: 1, from: null })
  await until(() => live.said.filter(({ say }) => say === 'refused').length === 2)
  expect(live.said.filter(({ say }) => say === 'refused')).toMatchObject([
    { watch: 2, code: 'project-not-found' },
    { watch: 3, code: 'run-not-found' },
  ])
  await house.ask('PUT /api/v1/projects/shop/members/people/ada', { role: 'viewer' })
  await until(() => live.said.some(({ event }) => event?.kind === 'access.changed'))
  live.say({ say: 'watch', watch: 4, topic: { of: 'project', project: 'shop' }, after: 0 })
  await until(() => live.said.some(({ watch, event }) => watch === 4 && event?.kind === 'project.added'))
  await house.ask('DELETE /api/v1/projects/shop/members/people/ada')
  await until(() => live.said.some(({ say, watch }) => say === 'refused' && watch === 4))
  await house.ask('POST /api/v1/projects', { name: 'till' })
  await house.ask('PATCH /api/v1/projects/till/settings', { public: true })
  await until(
    () => live.said.filter(({ watch, event }) => watch === 1 && event?.kind === 'access.changed').length >= 3,
  )
  expect(live.said.filter(({ watch, event }) => watch === 1 && event?.project === 'shop')).toEqual([])
})
