import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { publicGit } from '../support/public-git.ts'
import { withPull } from '../support/pull.ts'
import { type House, startHouse } from '../support/server.ts'
import { noteLateRuns } from '../../server/notices/late-runs.ts'
import { runnerOf, steeredLine } from '../support/steer.ts'
import { until } from '../support/until.ts'

const NOTIFY = 'notify: { email: { to: [ann@acme.example], when: [approval, alert] } }\n'

/** What people are told, the oldest first. */
async function told(house: House): Promise<string[]> {
  const { items } = (await house.ask('GET /api/v1/projects/shop/notices')).body
  return items
    .toReversed()
    .flatMap((message: { items: { text: string }[] }) => message.items.map(({ text }) => text))
}

test('people are asked once for each commit of a fork that waits for somebody’s word', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const job = `test: { run: x }\n${NOTIFY}`
  const pull = await withPull(house, git, '{ push: main, pull_request: main }', job)
  const fork = (sha: string) => ({ pull: { head: { sha, ref: 'main', repo: { id: 7 } } } })
  const sha = await pull.commit({ a: '1' })
  await pull.say('opened', fork(sha))
  await pull.say('opened', fork(sha))
  const [asked] = await until(async () => {
    const all = await told(house)
    return all.length > 0 && all
  })
  expect(asked).toMatch(
    new RegExp(
      `^shop/main waits for somebody to look at ${sha.slice(0, 7)}, which Codertocat wrote in a fork, on pr/2 \\(`,
    ),
  )
  const second = await pull.commit({ a: '2' })
  await pull.say('synchronize', fork(second))
  await until(async () => (await told(house)).length === 2)
  expect((await told(house))[1]).toContain(second.slice(0, 7))
})

test('a run that no runner takes for long is told of once, and why', async () => {
  await using it = await steeredLine(
    `jobs: { far: { runs_on: [gpu], run: x }, free: { run: x }, held: { approve: true, run: x } }\n${NOTIFY}`,
  )
  const { house } = it
  await it.push()
  await until(async () => (await it.runs('held'))[0]?.state === 'waiting')
  await runnerOf(house.db)
  await sql`update runners set connection = gen_random_uuid(), present_until = now() + interval '1 hour'`.execute(
    house.db,
  )
  const look = async (passed: string) => {
    await sql`update late_runs set since = now() - ${passed}::interval`.execute(house.db)
    await noteLateRuns(house.db)
  }
  await noteLateRuns(house.db)
  await look('9 minutes')
  await it.end('free', 'succeed')
  for (let times = 0; times < 2; times++) await look('11 minutes')
  await until(async () => (await told(house)).length === 2)
  expect((await told(house)).toSorted()).toEqual([
    expect.stringContaining('far #1 has waited for a runner for more than 10 minutes on main'),
    expect.stringContaining('held #1 waits for approval'),
  ])
  expect((await told(house)).join()).toContain('no runner has `gpu`')
})

test('a line of fifty jobs that break together sends no flood', async () => {
  const names = Array.from({ length: 50 }, (_, at) => `j${at}`)
  const jobs = names.map((name) => `  ${name}: { run: x }\n`).join('')
  await using it = await steeredLine(
    `jobs:\n${jobs}notify: { email: { to: [ann@acme.example], when: failure } }\n`,
  )
  await it.push()
  for (const { id } of await it.runs()) await it.endRun(id, 'fail')
  const messages = async (): Promise<{ count: number }[]> =>
    (await it.house.ask('GET /api/v1/projects/shop/notices')).body.items
  const all = async () => (await messages()).reduce((sum, { count }) => sum + count, 0)
  await until(async () => (await all()) === 50)
  expect((await messages()).length).toBeLessThan(4) // one, and what came while that was sent
})

test('a time of a schedule that starts nothing is told, of several one after the other the first, and a pause is not', async () => {
  await using it = await steeredLine(`resources: { src: { git: . }, tick: { time: "0 0 1 6 *" } }
jobs: { nightly: { get: tick, run: x } }
${NOTIFY}`)
  await it.push()
  const { house } = it
  const { db } = house
  const AT = '/api/v1/projects/shop/pipelines/main/schedules/tick'
  await until(async () => (await db.selectFrom('checks').select('seen').executeTakeFirst())?.seen)
  const come = async () => {
    const count = async () => (await db.selectFrom('firings').select('id').execute()).length
    const before = await count()
    await sql`update checks set due_at = now(),
      seen = jsonb_build_object('nextMs', floor(extract(epoch from clock_timestamp()) * 1000)::bigint)`.execute(
      db,
    )
    await sql`select pg_notify('takt', '')`.execute(db)
    await until(async () => (await count()) > before)
    await it.quiet()
  }
  await come() // starts a run, which goes on
  await house.ask(`POST ${AT}/pause`, { reason: 'the tests are red' })
  await come()
  await house.ask(`POST ${AT}/resume`)
  await come()
  await come()
  await it.end('nightly', 'succeed')
  await come()
  await come()
  await until(async () => (await told(house)).length === 2)
  const [first, second] = await told(house)
  expect(first).toMatch(
    /^shop\/main has a schedule, tick, whose time \S+ started nothing on main: run 1 still ran \(`overlap: skip`\)$/,
  )
  expect(second).toContain('run 2 still ran')
})
