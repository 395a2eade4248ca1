import { expect, test } from 'vitest'
import { person } from '../support/people.ts'
import { steeredLine } from '../support/steer.ts'
import { until } from '../support/until.ts'

test('29: an author does not approve, a right that is gone counts no more at the click, and every try is on record', async () => {
  await using it = await steeredLine('jobs: { ship: { approve: { author: false }, run: x } }')
  const { house } = it
  const ann = await person(house, 'ann', { role: 'maintainer' }) // as git says of the commit
  const bo = await person(house, 'bo', { role: 'approver' })
  const cy = await person(house, 'cy', { role: 'approver' })
  await it.push()
  await until(async () => (await house.ask('GET /api/v1/gates?state=waiting')).body.items.length === 1)
  const approve = async (as: string) => (await house.ask('POST /api/v1/gates/1/approve', {}, { as })).status
  expect(await approve(ann.token)).toBe(403)
  await house.ask('DELETE /api/v1/organizations/default/members/people/bo')
  expect(await approve(bo.token)).toBe(404)
  expect(await approve(cy.token)).toBe(200)
  expect(await approve(cy.token)).toBe(409)
  const entries = await until(async () => {
    const { items } = (await house.ask('GET /api/v1/audit?action=gate.approve')).body
    return items.length === 4 && (items as { actor: string; outcome: string }[])
  })
  expect(entries.map(({ actor, outcome }) => `${actor} ${outcome}`).toSorted()).toEqual([
    ...['ann denied', 'bo denied', 'cy done', 'cy refused'],
  ])
  await expect(house.db.updateTable('audit_entries').set({ actor: 'nobody' }).execute()).rejects.toThrow()
})
