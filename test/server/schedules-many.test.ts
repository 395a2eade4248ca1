import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { steeredLine } from '../support/steer.ts'
import { until } from '../support/until.ts'

const MANY = 1_000

/** Ten schedules to a job. */
function file(from: number): string {
  const jobs = Array.from({ length: MANY / 20 }, (_, at) => from + at)
  const timesOf = (job: number) => Array.from({ length: 10 }, (_, at) => `t${job}-${at}`)
  const times = jobs.flatMap(timesOf).map((name) => `  ${name}: { time: "0 0 1 6 *" }\n`)
  const lines = jobs.map((job) => `  j${job}: { get: [${timesOf(job).join(', ')}], run: x }\n`)
  return `resources:\n  src: { git: . }\n${times.join('')}jobs:\n${lines.join('')}`
}

test('a thousand schedules that are due at once all fire, and how late they were is told', async () => {
  await using it = await steeredLine(file(0))
  await it.clone.push({
    '.takt.yml': 'jobs: { none: { run: x } }',
    '.takt/a.yml': file(0),
    '.takt/b.yml': file(MANY),
  })
  const { db } = it.house
  const count = async (from: 'checks' | 'firings') =>
    (
      await db
        .selectFrom(from)
        .select((eb) => eb.fn.countAll<number>().as('all'))
        .executeTakeFirstOrThrow()
    ).all
  const unseen = () => db.selectFrom('checks').select('id').where('seen', 'is', null).executeTakeFirst()
  await until(async () => (await count('checks')) === MANY && !(await unseen()), { withinMs: 120_000 })
  await sql`update checks set due_at = now(),
    seen = jsonb_build_object('nextMs', floor(extract(epoch from now()) * 1000)::bigint)`.execute(db)
  await sql`select pg_notify('takt', '')`.execute(db)
  await until(async () => (await count('firings')) === MANY, { withinMs: 120_000 })
  const fates = await db.selectFrom('firings').select('fate').distinct().execute()
  expect(fates).toEqual([{ fate: 'fired' }])
  const { text } = await it.house.ask('GET /metrics')
  expect(text).toContain(`takt_schedule_lag_seconds_count ${MANY}\n`)
}, 300_000)
