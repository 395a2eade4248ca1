import { expect, test } from 'vitest'
import type { EventId } from '#pipelines/ids.ts'
import type { Db } from '../../server/db/connect.ts'
import { transact } from '../../server/db/transact.ts'
import { passOver, readOn } from '../../server/events/read-on.ts'
import { freshDatabase } from '../support/database.ts'

const happens = (db: Db, ...projects: string[]) =>
  transact(db, async (tx) => projects.forEach((project) => tx.emit({ kind: 'project.added', project })))

/** The projects that whoever reads on is told of. */
async function told(db: Db): Promise<string[]> {
  const found: string[] = []
  await readOn(db, 'tally_cursor', async (_, events) => {
    for (const event of events) if (event.kind === 'project.added') found.push(event.project)
  })
  return found
}

test('what happened is read once, oldest first, and by each who follows it', async () => {
  await using it = await freshDatabase()
  await happens(it.db, 'a', 'b')
  await happens(it.db, 'c')
  expect([await told(it.db), await told(it.db)]).toEqual([['a', 'b', 'c'], []])
  await happens(it.db, 'd')
  expect(await told(it.db)).toEqual(['d'])
  const others: unknown[] = []
  await readOn(it.db, 'notice_cursor', async (_, events) => void others.push(...events))
  expect(others).toHaveLength(4)
})

test('more than 500 are read in several goes', async () => {
  await using it = await freshDatabase()
  await happens(it.db, ...Array.from({ length: 700 }, (_, at) => `p${at}`))
  const goes: number[] = []
  const go = () => readOn(it.db, 'tally_cursor', async (_, { length }) => void goes.push(length))
  expect([await go(), await go(), await go(), goes]).toEqual([true, false, false, [500, 200]])
})

test('whoever fails has read nothing, and what came of it is undone', async () => {
  await using it = await freshDatabase()
  await happens(it.db, 'a')
  const failing = readOn(it.db, 'tally_cursor', async (tx) => {
    await tx.deleteFrom('status_cursor').execute()
    throw new Error('away')
  })
  await expect(failing).rejects.toThrow('away')
  expect(await it.db.selectFrom('status_cursor').selectAll().execute()).toHaveLength(1)
  expect(await told(it.db)).toEqual(['a'])
})

test('while one server reads, another has nothing to do', async () => {
  await using it = await freshDatabase()
  await happens(it.db, 'a')
  let meanwhile: string[] | null = null
  await readOn(it.db, 'tally_cursor', async () => {
    meanwhile = await told(it.db)
  })
  expect([meanwhile, await told(it.db)]).toEqual([[], []])
})

test('what is passed over is never read', async () => {
  await using it = await freshDatabase()
  await happens(it.db, 'a')
  await passOver(it.db, 'tally_cursor')
  await happens(it.db, 'b')
  expect(await told(it.db)).toEqual(['b'])
})

test('who passes over what it knows of does not take back what another has read meanwhile', async () => {
  await using it = await freshDatabase()
  await happens(it.db, 'a', 'b')
  await told(it.db)
  await it.db
    .deleteFrom('events')
    .where('id', '>', 1 as EventId)
    .execute()
  await passOver(it.db, 'tally_cursor')
  expect(await it.db.selectFrom('tally_cursor').select('event_id').execute()).toEqual([{ event_id: 2 }])
})
