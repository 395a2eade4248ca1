import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { JobId, RunId } from '#pipelines/ids.ts'
import { pause, resume } from '../../server/catalog/pause.ts'
import { connect, type Db } from '../../server/db/connect.ts'
import { Problem } from '../../server/problem.ts'
import { cancelRun } from '../../server/runs/ask.ts'
import { retryRun } from '../../server/runs/retry.ts'
import { schedule } from '../../server/scheduler/schedule.ts'
import { chance } from '../support/chance.ts'
import { steer, steeredLine } from '../support/steer.ts'
import { until } from '../support/until.ts'

const by = { id: 1 as never, name: 'Ann' }
const LINE = `
triggers: { push: ['**'] }
jobs:
  build: { run: say build }
  unit: { needs: build, matrix: { os: [a, b, c], max_parallel: 2, fail_fast: true }, run: say unit }
  lint: { needs: build, concurrency: { group: few, limit: 2 }, run: say lint }
  scan: { get: src, concurrency: { group: few, limit: 2, superseded: cancel_running }, run: say scan }
  stage: { needs: [unit, lint], start: chrono, concurrency: { group: one, limit: 1 }, run: say stage }
  smoke: { needs: stage, start: chrono, run: say smoke }
  ship: { needs: { stage: {}, lint: { on: [finish], versions: any } }, start: strict, run: say ship }
  tell: { needs: { build: { on: [finish] } }, start: immediate, priority: 3, run: say tell }
`
const { pick } = chance()

/** What was refused because somebody else was quicker is no surprise; anything else is. */
const refused = (error: unknown) => {
  if (!(error instanceof Problem)) throw error
}

/** Groups of which more runs hold a place than there are. */
async function overfull(db: Db): Promise<unknown[]> {
  const { rows } = await sql`
    select group_key, count(*) from runs
    where group_key is not null and (state in ('running', 'waiting') or state = 'queued' and held is null)
    group by group_key having count(*) > max(group_limit)`.execute(db)
  return rows
}

/** Legs of one matrix that go at once though it says fewer, and \`chrono\` runs beside a neighbour of their lane. */
async function crowded(db: Db): Promise<unknown[]> {
  const { rows } = await sql`
    select batch_id::text as what from runs where batch_id is not null
      and (state = 'running' or state = 'queued' and held is null)
    group by batch_id having count(*) > 2
    union all
    select 'lane ' || a.lane_id from runs a join runs b on a.lane_id = b.lane_id and a.id <> b.id
      join jobs ja on ja.id = a.job_id join jobs jb on jb.id = b.job_id
    where a.state = 'running' and b.state = 'running'
      and (ja.name, jb.name) in (('stage', 'smoke'), ('stage', 'stage'), ('smoke', 'smoke'))`.execute(db)
  return rows
}

async function deadlocks(db: Db): Promise<number> {
  const { rows } = await sql<{ deadlocks: number }>`
    select deadlocks from pg_stat_database where datname = current_database()`.execute(db)
  return rows[0]!.deadlocks
}

test('a storm of claims, ends, cancels, retries, pauses and pushes crowds nothing, locks nobody up and leaves nothing behind', async () => {
  await using it = await steeredLine(LINE)
  await it.push()
  const second = connect(it.house.databaseUrl)
  try {
    const storming = { on: true }
    const odd: unknown[] = []
    const failures: unknown[] = []
    const keep = async (work: () => Promise<unknown>) => {
      while (storming.on) await work().catch((error: unknown) => failures.push(error))
    }
    const some = async (states: readonly string[]) => {
      const { rows } = await sql<{ id: RunId }>`
        select id from runs where state = any(${states}) order by id desc limit 30`.execute(second)
      return pick(rows)?.id
    }
    const jobs = await second.selectFrom('jobs').select('id').execute()
    const steps: (() => Promise<unknown>)[] = [
      // The server's own scheduler has a rival.
      () => schedule(second),
      ...[it.house.db, second, second].map((db) => async () => {
        const hand = steer(db)
        const run = await hand.claim()
        if (!run) return
        odd.push(...(await overfull(second)), ...(await crowded(second)))
        await hand
          .endRun(run.id, pick(['succeed', 'succeed', 'succeed', 'fail', 'cancel'] as const)!)
          .catch(refused)
      }),
      async () => {
        const id = await some(['queued', 'running'])
        if (id !== undefined) await cancelRun(second, id, 'a whim').catch(refused)
      },
      async () => {
        const id = await some(['failed', 'cancelled', 'succeeded'])
        if (id !== undefined) await retryRun(second, id, by).catch(refused)
      },
      async () => {
        const job = pick(jobs)!.id as JobId
        await pause(second, { of: 'job', id: job }, { by, reason: 'a whim' })
        await resume(second, { of: 'job', id: job }, by)
      },
      async () => odd.push(...(await overfull(second)), ...(await crowded(second))),
    ]
    const storm = steps.map(keep)
    for (let push = 0; push < 8; push++)
      await it.clone.push({ n: String(push) }, { branch: pick(['main', 'one', 'two'])! })
    storming.on = false
    await Promise.all(storm)
    expect(failures).toEqual([])
    expect(odd).toEqual([])
    expect(await deadlocks(second)).toBe(0)

    await drain(it)
    const left = await sql`
      select 'run ' || id || ' ' || coalesce(held, '') as what from runs
      where state in ('queued', 'running', 'waiting')
      union all select 'trigger ' || id || ' ' || coalesce(reason, '') from triggers where settled_at is null`.execute(
      second,
    )
    expect(left.rows).toEqual([])
  } finally {
    await second.destroy()
  }
}, 120_000)

test('a place that becomes free is taken, also when who ends and who comes do not see each other', async () => {
  const jobs = ['a', 'b', 'c', 'd'].map(
    (job) => `  ${job}: { concurrency: { group: few, limit: 2 }, run: say x }\n`,
  )
  await using it = await steeredLine(`jobs:\n${jobs.join('')}`)
  await it.push()
  const { db } = it.house
  const first = (await it.runs()).map((run) => run.id)
  for (let run = await it.claim(); run; run = await it.claim()) await it.endRun(run.id, 'succeed')
  for (let round = 0; round < 25; round++) {
    const running = (await it.runs()).filter((run) => run.state === 'running')
    await Promise.all([
      ...running.map((run) => it.endRun(run.id, 'succeed')),
      ...first.map((id) => retryRun(db, id, by)),
    ])
    const open = (await it.runs()).filter((run) => run.state === 'queued')
    const placed = open.filter((run) => run.held === null)
    expect({ round, placed: placed.length }).toEqual({ round, placed: Math.min(2, open.length) })
    while (await it.claim());
    for (const run of open.slice(8)) await cancelRun(db, run.id, 'enough').catch(refused)
  }
})

/** Everything that may run is run to its end. */
async function drain(it: Awaited<ReturnType<typeof steeredLine>>): Promise<void> {
  // What the storm has left running ends like everything else.
  await until(
    async () => {
      const running = (await it.runs()).filter((run) => run.state === 'running')
      for (const run of running) await it.endRun(run.id, 'succeed')
      for (let run = await it.claim(); run; run = await it.claim()) await it.endRun(run.id, 'succeed')
      return (await it.runs()).every((run) => !['queued', 'running', 'waiting'].includes(run.state))
    },
    { withinMs: 60_000 },
  )
}
