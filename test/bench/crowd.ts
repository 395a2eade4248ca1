import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { WebSocket } from 'ws'
import { DIALECT, type ServerSays } from '#pipelines/wire/runner.ts'
import type { Db } from '../../server/db/connect.ts'
import { CHANNEL } from '../../server/db/transact.ts'
import type { BenchDatabases } from './database.ts'
import { asker } from './house.ts'
import { measureIdle } from './idle.ts'
import { type SeededLine, seedLine } from './lines.ts'
import { median } from './median.ts'
import { startServerProcess } from './processes.ts'
import { commit } from './scale.ts'

const PIPELINES = 400
const JOBS = 10
const FLAT = `resources: { src: { git: . } }\njobs:\n${Array.from({ length: JOBS }, (_, job) => `  j${job}: { get: src, run: make }\n`).join('')}`

/** 4,000 jobs over 400 pipelines: what a server uses beside them while nothing happens, and what it can do when all happens at once. */
export async function measureCrowd(databases: BenchDatabases): Promise<string[]> {
  const { url, db } = await databases.create('crowd')
  const lines: SeededLine[] = []
  for (let index = 0; index < PIPELINES; index++) lines.push(await seedLine(db, `p${index}`, FLAT))
  const alone = await oneWave(db, lines, async (wave) => {
    await using server = await startServerProcess(url)
    const { core, words } = await measureIdle(server.pid, databases.pid)
    return { idle: `${words} (under 1 %: ${core < 1 ? 'good' : 'TOO MUCH'})`, perSecond: await wave() }
  })
  const together = await oneWave(db, lines, async (wave) => {
    await using _first = await startServerProcess(url)
    await using _second = await startServerProcess(url)
    return { idle: '', perSecond: await wave() }
  })
  return [
    `idle beside ${PIPELINES * JOBS} jobs over ${PIPELINES} pipelines: ${alone.idle}`,
    `events planned in a second: ${alone.perSecond.toFixed(0)} by one server, ${together.perSecond.toFixed(0)} by two (${PIPELINES * JOBS} events at once, each a run)`,
  ]
}

type Wave = () => Promise<number>

/** A commit on every line, recorded while no server runs; `wave` tells of all of them at once and counts how fast they are planned. */
async function oneWave<T>(
  db: Db,
  lines: readonly SeededLine[],
  during: (wave: Wave) => Promise<T>,
): Promise<T> {
  for (const line of lines) await commit({ db, line })
  await sql`update dirty_jobs set served = requested`.execute(db)
  return during(async () => {
    const begin = performance.now()
    await sql`update dirty_jobs set requested = requested + 1`.execute(db)
    await sql`select pg_notify(${CHANNEL}, '')`.execute(db)
    for (;;) {
      const open = await db
        .selectFrom('triggers')
        .select('id')
        .where('fate', '=', 'new')
        .limit(1)
        .executeTakeFirst()
      if (!open) return (lines.length * JOBS) / ((performance.now() - begin) / 1_000)
      await delay(10)
    }
  })
}

const WAITING = 10_000
/** They stand in three times as many queues: projects that ask for one of three sets of labels each. */
const PROJECTS = 100
const ROUNDS = 100
const QUEUE = `resources: { src: { git: . } }\njobs:\n  slow: { get: src, run: make }\n  urgent: { get: { src: { trigger: false } }, when: manual, priority: 100, run: make }\n`

/** A run that goes first is enqueued behind 10,000 that wait: how long until a runner that has room is given it. */
export async function measureQueue(databases: BenchDatabases): Promise<string> {
  const { url, db } = await databases.create('queue')
  const line = await seedLine(db, 'queue', QUEUE)
  await commit({ db, line })
  await sql`
    insert into runs (job_id, lane_id, revision_id, number, state, reason, advances, project_id, runs_on)
    select ${sql.lit(line.jobs.get('slow'))}, ${sql.lit(line.lane)}, (select revision_id from lanes where id = ${line.lane}), i, 'queued', 'seeded', true,
      1 + i % ${PROJECTS}, (array['{}', '{gpu}', '{arch=arm64,gpu}'])[1 + i % 3]::text[]
    from generate_series(2, ${WAITING}::int + 1) i`.execute(db)
  await using server = await startServerProcess(url)
  const ask = asker(server.url, server.token)
  await using runner = await dial(server)
  const times: number[] = []
  for (let round = -5; round < ROUNDS; round++) {
    const enqueued = await ask('POST /api/v1/projects/queue/pipelines/main/jobs/urgent/runs', {})
    const begin = performance.now()
    const given = await runner.next()
    if (given.plan.run !== enqueued.id) throw new Error(`run ${given.plan.run} went first`)
    if (round >= 0) times.push(performance.now() - begin)
    runner.ended(given)
  }
  const p95 = times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.95)] ?? Number.NaN
  return `${WAITING} runs wait, of ${PROJECTS} projects with three sets of labels each: enqueue → dispatch of the next ${median(times).toFixed(1)} ms, p95 ${p95.toFixed(1)} ms (under 100 ms: ${p95 < 100 ? 'good' : 'TOO SLOW'}; ${ROUNDS} rounds)`
}

type Work = Extract<ServerSays, { say: 'work' }>
type Dialled = AsyncDisposable & { next(): Promise<Work>; ended(work: Work): void }

/** A runner's end of the link that finishes whatever it is given at once. */
async function dial({ url, runnerToken }: { url: string; runnerToken: string }): Promise<Dialled> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/runner`, {
    headers: { authorization: `Bearer ${runnerToken}` },
  })
  let told = Promise.withResolvers<Work>()
  let taken = 0
  socket.on('message', (words: Buffer) => {
    const said: ServerSays = JSON.parse(words.toString())
    if (said.say !== 'work') return
    taken++
    told.resolve(said)
  })
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  const say = (message: unknown) => socket.send(JSON.stringify(message))
  const engine = { kind: 'scripted', isolated: false, words: 'none' }
  say({
    say: 'hello',
    dialect: DIALECT,
    name: 'bench',
    version: '0',
    engine,
    slots: 1,
    labels: { gpu: '' },
    checks: 0,
    carrying: [],
  })
  return {
    next() {
      told = Promise.withResolvers()
      say({ say: 'ready', slots: 1, taken })
      return told.promise
    },
    ended({ lease, plan: { run } }) {
      say({
        say: 'report',
        run,
        lease,
        seq: 1,
        entry: { kind: 'run.ended', move: 'succeed', error: null, exitCode: null },
      })
    },
    async [Symbol.asyncDispose]() {
      socket.terminate()
    },
  }
}
