import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { transact } from '../../server/db/transact.ts'
import { Problem } from '../../server/problem.ts'
import { lockJob } from '../../server/runs/create-run.ts'
import { schedule } from '../../server/scheduler/schedule.ts'
import { lookedIll } from '../../server/scheduler/set-aside.ts'
import { steeredLine as line } from '../support/steer.ts'
import { until } from '../support/until.ts'

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

test('a job that a refused action had locked is looked at as soon as it is free', async () => {
  await using it = await line('jobs:\n  a: { run: say a }\n')
  await it.push()
  const { db } = it.house
  const { id } = await db.selectFrom('jobs').select('id').executeTakeFirstOrThrow()
  const [locked, passedOver] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const refused = transact(db, async (tx) => {
    await lockJob(tx.db, id)
    locked.resolve()
    await passedOver.promise
    throw new Problem('no-input', 'there is nothing to run with')
  })
  await locked.promise
  await it.clone.push({ more: '1' })
  await until(() =>
    db.selectFrom('dirty_jobs').selectAll().whereRef('requested', '>', 'served').executeTakeFirst(),
  )
  // Whoever looks now finds the job locked; the next thing that happens is the refusal.
  while (await schedule(db));
  passedOver.resolve()
  await expect(refused).rejects.toThrow('nothing to run with')
  await until(async () => (await db.selectFrom('runs').select('id').execute()).length === 2, {
    withinMs: 4_000,
  })
})
