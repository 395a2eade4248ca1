import { randomBytes } from 'node:crypto'
import type { RunnerId } from '#pipelines/ids.ts'
import type { Db } from '../../server/db/connect.ts'
import { transact } from '../../server/db/transact.ts'
import { recordCommit } from '../../server/resources/record-version.ts'
import { claimRun } from '../../server/runs/claim.ts'
import { NO_STORES } from '../../server/secrets/stores/stores.ts'
import { moveRun } from '../../server/runs/move.ts'
import { schedule } from '../../server/scheduler/schedule.ts'
import type { BenchDatabases } from './database.ts'
import { DIAMOND, layeredFile, seedHistory, type SeededLine, seedLine } from './lines.ts'
import { median } from './median.ts'
import { someKeys } from '../support/keys.ts'

const SMALL = 10_000
const LARGE = 1_000_000
const ROUNDS = 40
const OPENING = {
  checkoutOf: () => ({ url: 'https://git.example/x.git', credential: null }),
  keys: await someKeys(),
  stores: NO_STORES,
  issuer: () => 'https://takt.example',
}

/**
 * What an event costs beside a short and a long history, in turns on the same machine: a commit that goes through a diamond is
 * five events (one version, four endings), each looked at by the scheduler, and four claims.
 */
export async function measureHistory(databases: BenchDatabases): Promise<string> {
  const small = await seeded(databases, 'history_small', SMALL)
  const large = await seeded(databases, 'history_large', LARGE)
  const times = { small: [] as number[], large: [] as number[] }
  for (let round = -5; round < ROUNDS; round++) {
    const pair = { small: await oneCommit(small), large: await oneCommit(large) }
    if (round < 0) continue // the first ones fill the caches of both
    times.small.push(pair.small)
    times.large.push(pair.large)
  }
  const ratio = median(times.large.map((ms, index) => ms / (times.small[index] ?? Number.NaN)))
  const perEvent = (of: number[]) => (median(of) / 5).toFixed(1)
  const verdict = ratio <= 1.5 ? 'good' : 'TOO SLOW'
  return `an event beside ${LARGE} versions and runs: ${perEvent(times.large)} ms, beside ${SMALL}: ${perEvent(times.small)} ms, ratio ${ratio.toFixed(2)} (at most 1.5: ${verdict}; ${ROUNDS} rounds)`
}

type Seeded = { readonly db: Db; readonly line: SeededLine; readonly runner: RunnerId }

async function seeded(databases: BenchDatabases, name: string, size: number): Promise<Seeded> {
  const { db } = await databases.create(name)
  const line = await seedLine(db, 'shop', DIAMOND)
  await seedHistory(db, line, size)
  return { db, line, runner: await seedRunner(db) }
}

export async function seedRunner(db: Db): Promise<RunnerId> {
  const { id } = await db
    .insertInto('runners')
    .values({
      name: 'bench',
      engine: 'scripted',
      isolated: false,
      words: 'none',
      version: '0',
      slots: 1,
      labels: '{}',
      present_until: new Date(Date.now() + 3_600_000),
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

/** A new commit of a line goes all the way. @returns Milliseconds. */
async function oneCommit(seeded: Seeded): Promise<number> {
  const begin = performance.now()
  await commit(seeded)
  await settle(seeded.db)
  while (await passOne(seeded)) await settle(seeded.db)
  return performance.now() - begin
}

export function commit({ db, line }: Pick<Seeded, 'db' | 'line'>): Promise<unknown> {
  const { project, pipeline: pipelineId, lane: laneId, definition, delivery } = line
  const at = { project, pipeline: 'main', lane: 'main', pipelineId, laneId, definition }
  const sha = randomBytes(20).toString('hex')
  const body = { ref: 'refs/heads/main', message: 'Change something', author: 'Ann', before: null }
  return transact(db, (tx) =>
    recordCommit(tx, at, { repository: line.repository, sha, body, delivery, head: 'now' }, null),
  )
}

export async function settle(db: Db): Promise<void> {
  while (await schedule(db));
}

/** The oldest waiting run is taken and succeeds. @returns False when none waits. */
async function passOne({ db, runner }: Seeded): Promise<boolean> {
  const token = randomBytes(8).toString('hex')
  const plan = await claimRun(db, { runner, token, leaseMs: 60_000 }, OPENING)
  if (!plan) return false
  await transact(db, (tx) => moveRun(tx, plan.run, { move: 'succeed' }))
  return true
}

/** How long the scheduler takes over one event of a pipeline with 500 jobs: its facts, its decision, its runs. */
export async function measureLargePipeline(databases: BenchDatabases): Promise<string> {
  const { db } = await databases.create('large_pipeline')
  const line = await seedLine(db, 'large', layeredFile(500))
  const seeded = { db, line, runner: await seedRunner(db) }
  const looks: number[] = []
  for (let round = -2; round < 10; round++) {
    await commit(seeded)
    for (let events = 0; events < 40; events++) {
      for (;;) {
        const begin = performance.now()
        if (!(await schedule(db))) break
        if (round >= 0) looks.push(performance.now() - begin)
      }
      if (!(await passOne(seeded))) break
    }
  }
  const worst = looks.toSorted((a, b) => a - b)[Math.floor(looks.length * 0.95)] ?? Number.NaN
  const verdict = median(looks) < 10 ? 'good' : 'TOO SLOW'
  return `one event of a pipeline with 500 jobs is planned in ${median(looks).toFixed(1)} ms, 95 % of them within ${worst.toFixed(1)} ms (under 10 ms: ${verdict}; ${looks.length} events)`
}
