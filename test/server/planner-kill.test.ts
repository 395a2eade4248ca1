import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { Problem } from '../../server/problem.ts'
import { chance } from '../support/chance.ts'
import { freshDatabase } from '../support/database.ts'
import { cloneOf } from '../support/repository.ts'
import { serverProcess } from '../support/server-process.ts'
import { steer } from '../support/steer.ts'
import { until } from '../support/until.ts'

const LINE = `
triggers: { push: ['**'] }
jobs:
  build: { run: say build }
  unit: { needs: build, matrix: { os: [a, b], max_parallel: 1 }, run: say unit }
  lint: { needs: build, concurrency: { group: few, limit: 1 }, run: say lint }
  stage: { needs: [unit, lint], run: say stage }
  ship: { needs: stage, start: strict, run: say ship }
`
const ROUNDS = 6
const LANES = ['main', 'other'] as const
const { below } = chance()
const any = <T>(items: readonly [T, ...T[]]): T => items[below(items.length)] ?? items[0]

test('two servers that are killed again and again lose no trigger, take no set twice and leave no run behind', async () => {
  await using database = await freshDatabase()
  const { db } = database
  const dataDir = await mkdtemp(join(tmpdir(), 'takt-two-'))
  await chmod(dataDir, 0o755)
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rm(dataDir, { recursive: true, force: true, maxRetries: 5 }))
  const settings = { DATABASE_URL: database.url, TAKT_DATA: dataDir, HOME: dataDir }
  const servers = [
    stack.use(await serverProcess(settings)),
    stack.use(await serverProcess(settings)),
  ] as const
  const token = (await readFile(join(dataDir, 'token'), 'utf8')).trim()
  const remoteOf = (url: string) => `${url.replace('://', `://ann:${token}@`)}/git/shop.git`
  const added = await fetch(`${servers[0].url}/api/v1/projects`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'shop' }),
  })
  expect(added.status).toBe(201)
  const clone = stack.use(await cloneOf(remoteOf(servers[0].url)))
  const hand = steer(db)
  let commits = 0
  /** Pushed to one of the servers, until one of them has it. */
  const push = async (lane: string) => {
    const sha = await clone.commit({ '.takt.yml': LINE, count: String(commits++) })
    await until(
      async () => {
        await clone.git('push', '-q', '--force', remoteOf(any(servers).url), `HEAD:refs/heads/${lane}`)
        return true
      },
      { withinMs: 60_000, everyMs: 100 },
    )
    return sha
  }
  const work = async (ends: readonly ['succeed', ...('succeed' | 'fail' | 'cancel')[]]) => {
    const run = await hand.claim()
    if (!run) return false
    await hand.endRun(run.id, any(ends)).catch((error: unknown) => {
      if (!(error instanceof Problem)) throw error
    })
    return true
  }

  await push('main')
  for (let round = 0; round < ROUNDS; round++) {
    const killing = { on: true }
    const worked = [1, 2].map(async () => {
      while (killing.on)
        if (!(await work(['succeed', 'succeed', 'succeed', 'fail', 'cancel']))) await delay(5)
    })
    const pushed = push(any(LANES)).then(() => push(any(LANES)))
    // At any moment: that is what it is about.
    await delay(below(400))
    await servers[round % 2]!.restart()
    await pushed
    killing.on = false
    await Promise.all(worked)
  }
  const last: Record<string, string> = {}
  for (const lane of LANES) last[lane] = await push(lane)
  await until(
    async () => {
      while (await work(['succeed']));
      const runs = await hand.runs()
      return runs.every((run) => !['queued', 'running', 'waiting'].includes(run.state))
    },
    { withinMs: 60_000, everyMs: 100 },
  )

  const open = await sql`select id, fate, reason from triggers where settled_at is null`.execute(db)
  expect(open.rows).toEqual([])
  const unknown = await sql`
    select id from triggers where fate = 'run' and run_id is null or fate = 'no-run' and reason is null`.execute(
    db,
  )
  expect(unknown.rows).toEqual([])
  const twice = await sql`
    select job_id, lane_id, matrix, version_id, count(*) from runs
    join run_inputs on run_inputs.run_id = runs.id where retry_of is null and created_by is null
    group by job_id, lane_id, matrix, version_id having count(*) > 1`.execute(db)
  expect(twice.rows).toEqual([])
  const backwards = await sql`
    select runs.id from (
      select runs.id, seq, max(seq) over (partition by job_id, runs.lane_id order by runs.id) as most
      from runs join run_inputs on run_inputs.run_id = runs.id join versions on versions.id = version_id
      where advances
    ) runs where seq < most`.execute(db)
  expect(backwards.rows).toEqual([])
  const doubled = await sql`
    select run_id, count(*) from endings group by run_id having count(*) > 1`.execute(db)
  expect(doubled.rows).toEqual([])
  const runs = await hand.runs()
  for (const lane of LANES) {
    const reached = runs
      .filter((run) => run.lane === lane && run.inputs[0] === `src ${last[lane]!.slice(0, 7)}`)
      .map(({ job, state }) => `${job} ${state}`)
    expect(reached.toSorted()).toEqual(
      ['build', 'lint', 'ship', 'stage', 'unit', 'unit'].map((job) => `${job} succeeded`),
    )
  }
}, 240_000)
