import { expect, test } from 'vitest'
import type { OrganizationId } from '#pipelines/ids.ts'
import { person } from '../support/people.ts'
import { type House, startHouse } from '../support/server.ts'
import { cookieOf, GOOD } from '../support/sessions.ts'

const PATH = '/api/v1/organizations/default/invitations'
const invite = async (house: House, offer: object, as?: string): Promise<{ id: number; secret: string }> => {
  const { body, status, text } = await house.ask(`POST ${PATH}`, offer, as === undefined ? {} : { as })
  if (status !== 201) throw new Error(text)
  expect(body.url).toMatch(/\/join#[\w-]{43}$/)
  return { id: body.id, secret: body.url.split('#')[1] }
}
const accept = (
  house: House,
  secret: string,
  more: object = { name: 'ada', password: GOOD },
  as: string | null = null,
) => house.ask('POST /api/v1/invitations/accept', { secret, ...more }, { as })

test('an invitation is shown to whoever holds its link, makes one account with what it offers, and no second', async () => {
  await using house = await startHouse()
  await house.ask('POST /api/v1/projects', { name: 'shop' })
  const team = await house.db
    .insertInto('teams')
    .values({ organization_id: 1 as OrganizationId, name: 'ship' })
    .returning('id')
    .executeTakeFirstOrThrow()
  const { secret } = await invite(house, { role: 'operator', team: 'ship', email: 'ada@example.org' })
  const look = await house.ask('POST /api/v1/invitations/look', { secret }, { as: null })
  expect(look.body).toMatchObject({
    organization: 'default',
    role: 'operator',
    team: 'ship',
    invited_by: 'admin',
  })

  const joined = await accept(house, secret)
  expect(joined).toMatchObject({ status: 200, body: { name: 'ada', role: 'member', has_password: true } })
  const headers = { cookie: cookieOf(joined) }
  const me = (request: string, body?: object) => house.ask(request, body, { as: null, headers })
  expect((await me('GET /api/v1/projects/shop')).status).toBe(200)
  expect((await me('GET /api/v1/projects/shop/secrets')).status).toBe(403)
  const members = await house.db.selectFrom('team_members').selectAll().execute()
  expect(members).toMatchObject([{ team_id: team.id }])

  expect((await accept(house, secret, { name: 'eve', password: GOOD })).body.code).toBe(
    'invitation-not-found',
  )
  expect((await house.ask(`GET ${PATH}`)).body.items).toEqual([])
  const rows = JSON.stringify(await house.db.selectFrom('invitations').selectAll().execute())
  expect(rows).not.toContain(secret)
  expect(
    (await house.ask('POST /api/v1/session', { name: 'ada', password: GOOD }, { as: null })).status,
  ).toBe(200)
})

test('of several that open an invitation at once, one comes in, and nothing is left of the others', async () => {
  await using house = await startHouse()
  const { secret } = await invite(house, { role: 'viewer' })
  const all = await Promise.all(
    ['a1', 'b2', 'c3', 'd4'].map((name) => accept(house, secret, { name, password: GOOD })),
  )
  expect(all.map(({ status }) => status).toSorted()).toEqual([200, 404, 404, 404])
  expect(await house.db.selectFrom('users').select('id').execute()).toHaveLength(2)
  expect(await house.db.selectFrom('passwords').select('user_id').execute()).toHaveLength(1)
})

test('who has an account joins with it; a role that is held never gets smaller', async () => {
  await using house = await startHouse()
  const { id, token } = await person(house, 'ada', { role: 'maintainer' })
  const roles = async () =>
    (await house.db.selectFrom('grants').select('role').where('user_id', '=', id).execute()).map(
      ({ role }) => role,
    )
  expect((await accept(house, (await invite(house, { role: 'viewer' })).secret, {}, token)).status).toBe(200)
  expect(await roles()).toEqual(['maintainer'])
  expect((await accept(house, (await invite(house, { role: 'admin' })).secret, {}, token)).status).toBe(200)
  expect(await roles()).toEqual(['admin'])
})

test('an invitation that was withdrawn, is too old, or comes from who was shut out since opens nothing', async () => {
  await using house = await startHouse()
  const { token: as } = await person(house, 'eve', { role: 'admin' })
  const withdrawn = await invite(house, { role: 'viewer' }, as)
  expect((await house.ask(`GET ${PATH}`, undefined, { as })).body.items).toMatchObject([
    { id: withdrawn.id, invited_by: 'eve' },
  ])
  expect((await house.ask(`DELETE ${PATH}/${withdrawn.id}`, undefined, { as })).status).toBe(204)
  expect((await house.ask(`DELETE ${PATH}/${withdrawn.id}`, undefined, { as })).body.code).toBe(
    'invitation-not-found',
  )
  const old = await invite(house, { role: 'viewer', days: 1 }, as)
  await house.db
    .updateTable('invitations')
    .set({ expires_at: new Date(0) })
    .execute()
  const shut = await invite(house, { role: 'viewer' }, as)
  await house.ask('POST /api/v1/users/eve/disable')
  for (const { secret } of [withdrawn, old, shut, { secret: 'made-up' }]) {
    expect((await accept(house, secret)).body.code).toBe('invitation-not-found')
    const look = await house.ask('POST /api/v1/invitations/look', { secret }, { as: null })
    expect(look.status).toBe(404)
  }
})

test('what whoever invited may not give any more, nobody gets', async () => {
  await using house = await startHouse()
  const { id, token } = await person(house, 'eve', { role: 'admin' })
  const { secret } = await invite(house, { role: 'admin' }, token)
  await house.db.updateTable('grants').set({ role: 'viewer' }).where('user_id', '=', id).execute()
  expect((await accept(house, secret)).body.code).toBe('invitation-not-found')
  expect(await house.db.selectFrom('users').select('name').where('name', '=', 'ada').execute()).toEqual([])
  await house.db.updateTable('grants').set({ role: 'admin' }).where('user_id', '=', id).execute()
  expect((await accept(house, secret)).status).toBe(200)
})

test.each([
  [{}, 'invalid-request'],
  [{ role: 'king' }, 'invalid-request'],
  [{ role: 'viewer', email: 'no address' }, 'invalid-request'],
  [{ role: 'viewer', days: 400 }, 'invalid-request'],
  [{ team: 'none' }, 'team-not-found'],
])('the invitation %j is refused', async (offer, code) => {
  await using house = await startHouse()
  expect((await house.ask(`POST ${PATH}`, offer)).body.code).toBe(code)
})

test.each([
  [{ name: 'admin', password: GOOD }, 'name-taken'],
  [{ name: '../admin', password: GOOD }, 'invalid-request'],
  [{ name: 'ada', password: 'short' }, 'weak-password'],
  [{ name: 'ada' }, 'invalid-request'],
  [{}, 'invalid-request'],
])('a newcomer with %j is refused, and the invitation stays open', async (newcomer, code) => {
  await using house = await startHouse()
  const { secret } = await invite(house, { role: 'viewer' })
  expect((await accept(house, secret, newcomer)).body.code).toBe(code)
  expect((await accept(house, secret)).status).toBe(200)
})
