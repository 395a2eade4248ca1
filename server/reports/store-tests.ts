import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { TestCase } from '#pipelines/reports/junit.ts'
import type { Trx } from '../db/connect.ts'
import type { LockedRun } from '../runs/lock-run.ts'

/** Fewer statements than rows, and fewer parameters than a statement may have. */
const BATCH = 1_000
export const MOST_TESTS_OF_A_RUN = 100_000

/** The order in which people want to see results. */
export const RANK = { newFailure: 0, failed: 1, flaky: 2, passed: 3, skipped: 4 } as const

type Told = TestCase & { readonly hash: Buffer; readonly wavered: boolean }

/**
 * Write down how the tests of one report came out. A test that is told of several times in a run has failed if it failed once;
 * if it passed as well, it wavered. Writing the same report twice changes nothing.
 *
 * @returns The tests it told of.
 */
export async function storeTests(db: Trx, run: LockedRun, cases: readonly TestCase[]): Promise<number[]> {
  // In the order of their hashes: two runs that report the same new tests at once never wait for each other in a circle.
  const told = [...eachOnce(cases)].toSorted((a, b) => Buffer.compare(a.hash, b.hash))
  const tests: number[] = []
  for (let at = 0; at < told.length; at += BATCH)
    tests.push(...(await storeBatch(db, run, told.slice(at, at + BATCH))))
  return tests
}

async function storeBatch(db: Trx, run: LockedRun, batch: readonly Told[]): Promise<number[]> {
  const ids = await testIds(db, run, batch)
  const results = batch.map((test) => ({
    run_id: run.id,
    test_id: ids.get(test.hash.toString('hex')) ?? lost(test),
    state: test.state,
    duration_us: test.durationMs === null ? null : Math.round(test.durationMs * 1_000),
    message: test.message,
    details: test.details,
    wavered: test.wavered,
    rank: RANK[test.state],
  }))
  await db
    .insertInto('test_results')
    .values(results)
    .onConflict((oc) =>
      oc.columns(['run_id', 'test_id']).doUpdateSet({
        // What is worse comes first in the alphabet of ranks; so its words are kept with it.
        state: worse('state'),
        message: worse('message'),
        details: worse('details'),
        duration_us: worse('duration_us'),
        rank: worse('rank'),
        wavered: sql<boolean>`test_results.wavered or excluded.wavered or
          (test_results.state <> excluded.state and 'skipped' not in (test_results.state, excluded.state))`,
      }),
    )
    .execute()
  return results.map(({ test_id }) => test_id)
}

const worse = (column: 'state' | 'message' | 'details' | 'duration_us' | 'rank') =>
  sql<never>`case when excluded.rank < test_results.rank then ${sql.ref(`excluded.${column}`)} else ${sql.ref(`test_results.${column}`)} end`

const lost = ({ name }: Told): never => {
  throw new Error(`the test ${name} was neither inserted nor found`)
}

async function testIds(db: Trx, run: LockedRun, batch: readonly Told[]): Promise<Map<string, number>> {
  await db
    .insertInto('tests')
    .values(batch.map(({ hash, suite, name }) => ({ job_id: run.job_id, hash, suite, name })))
    .onConflict((oc) => oc.doNothing())
    .execute()
  const rows = await db
    .selectFrom('tests')
    .select(['id', 'hash'])
    .where('job_id', '=', run.job_id)
    .where(
      'hash',
      'in',
      batch.map(({ hash }) => hash),
    )
    .execute()
  return new Map(rows.map(({ id, hash }) => [hash.toString('hex'), id]))
}

function eachOnce(cases: readonly TestCase[]): Iterable<Told> {
  const once = new Map<string, Told>()
  for (const test of cases) {
    const hash = createHash('sha256')
      .update(JSON.stringify([test.suite, test.name]))
      .digest()
    const key = hash.toString('hex')
    const known = once.get(key)
    const fresh: Told = { ...test, hash, wavered: test.flaky }
    once.set(key, known ? together(known, fresh) : fresh)
  }
  return once.values()
}

function together(a: Told, b: Told): Told {
  const wavered =
    a.wavered || b.wavered || (a.state !== b.state && a.state !== 'skipped' && b.state !== 'skipped')
  return { ...(RANK[b.state] < RANK[a.state] ? b : a), wavered }
}
