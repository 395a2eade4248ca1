import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { lookedIll } from '../../server/scheduler/set-aside.ts'
import { steeredLine as line } from '../support/steer.ts'

test('a look that PostgreSQL refuses whenever it is asked is given up with a reason, and stands in nobody’s way', async () => {
  const bad = ['a', 'b', 'c', 'd', 'e'].map((name) => `  ${name}: { run: say x, priority: 7 }\n`)
  await using it = await line(`jobs:\n${bad.join('')}  f: { run: say f }\n`)
  await sql`alter table runs add constraint never check (priority <> 7)`.execute(it.house.db)
  await it.push()
  expect((await it.runs()).map((run) => run.job)).toEqual(['f'])
  expect(await it.triggers('a')).toMatchObject([
    { fate: 'no-run', reason: expect.stringContaining('could not be planned') },
  ])
})

test('what a look lost with its connection is looked at again', async () => {
  await using it = await line('jobs:\n  a: { run: say a }\n')
  await it.push()
  const lost = new Error('Connection terminated unexpectedly')
  const { job_id, lane_id } = await it.house.db.selectFrom('dirty_jobs').selectAll().executeTakeFirstOrThrow()
  await sql`insert into triggers (job_id, lane_id, kind, edge) values (${job_id}, ${lane_id}, 'changed', 'x')`.execute(
    it.house.db,
  )
  const fate = async () => (await it.triggers('a')).at(-1)!.fate
  const mark = { job_id, lane_id, requested: 1 }
  await lookedIll(it.house.db, mark, lost)
  await lookedIll(it.house.db, mark, lost)
  expect(await fate()).toBe('new')
  await lookedIll(it.house.db, mark, lost)
  expect(await fate()).toBe('no-run')
})
