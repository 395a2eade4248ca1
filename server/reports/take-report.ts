import { createHash } from 'node:crypto'
import { setImmediate as breath } from 'node:timers/promises'
import { sql } from 'kysely'
import { type Report, type ReportKind, readReport } from '#pipelines/reports/read-report.ts'
import { Unreadable } from '#pipelines/reports/unreadable.ts'
import type { Db, Trx } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { type Holding, lockLeaseHolder } from '../runs/lease-holder.ts'
import type { LockedRun } from '../runs/lock-run.ts'
import { markResults } from './mark-results.ts'
import { storeCoverage } from './store-coverage.ts'
import { MOST_TESTS_OF_A_RUN, storeTests } from './store-tests.ts'

const MOST_REPORTS_OF_A_RUN = 500

export type Sent = {
  readonly kind: ReportKind
  /** From the working directory. */
  readonly path: string
  readonly bytes: Uint8Array
}

/**
 * Read a report that a run's runner sent, and write down what it says. One that cannot be read is no failure of the run: the
 * reason is written down in its place, for people to see.
 *
 * @returns The reason; null where all is well.
 * @throws {Problem} `stale-lease`.
 */
export async function takeReport(db: Db, holding: Holding, sent: Sent): Promise<string | null> {
  const report = await readWithBreath(sent)
  return transact(db, async (tx) => {
    const run = await lockLeaseHolder(tx.db, holding)
    const refusal = 'refusal' in report ? report.refusal : await tooMuch(tx.db, run, report)
    await forgetEarlierAttempts(tx.db, run)
    await note(tx.db, run, { ...sent, refusal })
    if (!('refusal' in report) && refusal === null) await store(tx.db, run, report)
    tx.emit({ kind: 'run.progressed', project: run.project, pipeline: run.pipeline, run: run.id })
    return refusal
  })
}

/** Piece by piece, and others have their turn in between: a large report must not make everybody wait. */
async function readWithBreath({ kind, bytes }: Sent): Promise<Report | { readonly refusal: string }> {
  try {
    const steps = readReport(kind, bytes)
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done) return step.value
      await breath()
    }
  } catch (error) {
    if (error instanceof Unreadable) return { refusal: error.message }
    throw error
  }
}

async function tooMuch(db: Trx, { id }: LockedRun, report: Report): Promise<string | null> {
  const { reports, tests } = await db
    .selectNoFrom((eb) => [
      eb
        .selectFrom('reports')
        .select(eb.fn.countAll<number>().as('n'))
        .where('run_id', '=', id)
        .as('reports'),
      eb
        .selectFrom('test_results')
        .select(eb.fn.countAll<number>().as('n'))
        .where('run_id', '=', id)
        .as('tests'),
    ])
    .executeTakeFirstOrThrow()
  if (Number(reports) >= MOST_REPORTS_OF_A_RUN)
    return `comes after ${MOST_REPORTS_OF_A_RUN} others; join them into fewer files`
  const more = report.kind === 'junit' ? report.cases.length : 0
  if (Number(tests) + more > MOST_TESTS_OF_A_RUN)
    return `would make more than ${MOST_TESTS_OF_A_RUN} tests in one run`
  return null
}

/** A run that was lost and carried out again has the results of the last time. */
async function forgetEarlierAttempts(db: Trx, { id, attempt }: LockedRun): Promise<void> {
  const { numDeletedRows } = await db
    .deleteFrom('reports')
    .where('run_id', '=', id)
    .where('attempt', '<', attempt)
    .executeTakeFirst()
  if (numDeletedRows === 0n) return
  for (const table of ['test_results', 'tested_runs', 'coverage_files', 'covered_runs'] as const)
    await db.deleteFrom(table).where('run_id', '=', id).execute()
}

const note = (
  db: Trx,
  { id, attempt }: LockedRun,
  { kind, path, refusal }: Sent & { refusal: string | null },
) =>
  db
    .insertInto('reports')
    .values({ run_id: id, kind, path, attempt, refusal })
    .onConflict((oc) => oc.columns(['run_id', 'kind', 'path']).doUpdateSet({ refusal }))
    .execute()

async function store(db: Trx, run: LockedRun, report: Report): Promise<void> {
  const at = { run_id: run.id, job_id: run.job_id, lane_id: run.lane_id }
  if (report.kind === 'coverage') {
    await db
      .insertInto('covered_runs')
      .values(at)
      .onConflict((oc) => oc.doNothing())
      .execute()
    return storeCoverage(db, run, report.files)
  }
  const inputs = await inputsOf(db, run)
  await db
    .insertInto('tested_runs')
    .values({ ...at, inputs })
    .onConflict((oc) => oc.doNothing())
    .execute()
  const tests = await storeTests(db, run, report.cases)
  await markResults(db, run, { inputs, tests })
}

/** A hash of the run's versions and the leg of its matrix: what equal results are expected of. */
async function inputsOf(db: Trx, { id, matrix }: LockedRun): Promise<string> {
  const { versions } = await db
    .selectFrom('run_inputs')
    .select(sql<string>`coalesce(string_agg(version_id::text, ' ' order by position), '')`.as('versions'))
    .where('run_id', '=', id)
    .executeTakeFirstOrThrow()
  const inputs = matrix ? `${versions} ${JSON.stringify(Object.entries(matrix).toSorted())}` : versions
  return createHash('sha256').update(inputs).digest('hex')
}
