import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { hashOf } from '../../server/audit/entry.ts'
import { flawOf, START } from '../../server/audit/verify.ts'
import { type House, startHouse } from '../support/server.ts'

async function told() {
  const house = await startHouse()
  for (const name of ['a', 'b', 'c', 'd']) await house.ask('POST /api/v1/projects', { name })
  return house
}
const verdict = async (house: House) => (await house.ask('GET /api/v1/audit/verify')).body
/** As somebody who may do anything with the database. */
const tamper = async (house: House, query: string) => {
  await sql.raw('alter table audit_entries disable trigger audit_entries_stay').execute(house.db)
  await sql.raw(query).execute(house.db)
}

test.each(["update audit_entries set target = ''", 'delete from audit_entries', 'truncate audit_entries'])(
  'the log takes no %s',
  async (query) => {
    await using house = await told()
    await expect(sql.raw(query).execute(house.db)).rejects.toThrow(/neither changed nor removed/)
  },
)

test('the chain holds as it was written, also by many at once', async () => {
  await using house = await told()
  await Promise.all(
    Array.from({ length: 30 }, (_, n) => house.ask('POST /api/v1/projects', { name: `p${n}` })),
  )
  expect(await verdict(house)).toMatchObject({ entries: 34, broken: null })
})

test.each([
  ['was changed', "update audit_entries set actor = 'eve' where id = 2", 2, /not what was written/],
  ['was given another time', 'update audit_entries set at = now() where id = 2', 2, /not what was written/],
  ['is missing', 'delete from audit_entries where id = 2', 3, /entry 2 is missing/],
  ['is missing at the end', 'delete from audit_entries where id = 4', 4, /newest entries are missing/],
  [
    'stands in another place',
    'update audit_entries set id = -id where id in (2, 3); update audit_entries set id = 5 + id where id in (-2, -3)',
    ...([2, /does not follow/] as const),
  ],
  ['follows another one', "update audit_entries set previous = '\\x00' where id = 3", 3, /does not follow/],
])('verifying names the first entry that %s', async (_, query, id, why) => {
  await using house = await told()
  await tamper(house, query)
  expect(await verdict(house)).toMatchObject({ broken: { id, why: expect.stringMatching(why) } })
})

test('verifying names the last entry where another one was put in its place, with a hash of its own', async () => {
  await using house = await told()
  const last = await house.db
    .selectFrom('audit_entries')
    .selectAll()
    .where('id', '=', 4)
    .executeTakeFirstOrThrow()
  const hash = hashOf(last.previous, { ...last, actor: 'eve' })
  await sql`alter table audit_entries disable trigger audit_entries_stay`.execute(house.db)
  await house.db.updateTable('audit_entries').set({ actor: 'eve', hash }).where('id', '=', 4).execute()
  expect(await verdict(house)).toMatchObject({
    entries: 3,
    broken: { id: 4, why: 'it is not the one that was written last' },
  })
})

test('the chain can be followed in an export, far from the server', async () => {
  await using house = await told()
  const { text, headers } = await house.ask('GET /api/v1/audit/export')
  expect(headers.get('content-type')).toBe('application/x-ndjson')
  let end = START
  for (const line of text.trim().split('\n')) {
    const read = JSON.parse(line)
    const entry = {
      ...read,
      at: new Date(read.at),
      previous: Buffer.from(read.previous, 'hex'),
      hash: Buffer.from(read.hash, 'hex'),
    }
    expect(flawOf(end, entry)).toBeNull()
    end = { id: entry.id, hash: entry.hash }
  }
  expect(end.id).toBe(4)
})
