import { sql } from 'kysely'
import type { RunId } from '#pipelines/ids.ts'
import { LOG_CHUNK_BYTES, type ReportEntry } from '#pipelines/wire/runner.ts'
import type { Db, Trx } from '../db/connect.ts'
import { toJson } from '../db/to-json.ts'
import { inMs, transact, type Tx } from '../db/transact.ts'
import { appendLog } from '../logs/append.ts'
import { type Piece, plainPiece } from '../logs/piece.ts'
import { reachGate } from '../gates/reach.ts'
import { endAttempt } from '../runs/end-attempt.ts'
import { completeHandover } from '../runs/handovers.ts'
import { lockRun, type LockedRun } from '../runs/lock-run.ts'
import { noteImages } from '../runs/ran-images.ts'

/** One numbered thing a runner said of a run: an entry, or a piece of a step's log. */
export type Report = {
  readonly run: RunId
  readonly lease: string
  readonly seq: number
  /** When it came, on this process's own clock (`performance.now()`). */
  readonly cameMs: number
  readonly said: ReportEntry | { readonly kind: 'log'; readonly step: number; readonly piece: Piece }
}

/** What became of a batch: everything up to `seq` is committed, or the run is not this runner's any more. */
export type Heard =
  { readonly run: RunId; readonly seq: number } | { readonly run: RunId; readonly forget: true }

/**
 * Write down what a runner said of one run, in one transaction.
 *
 * A repeated number is passed over. A report under a lease that is not the run's (lost, ended, never its own) changes nothing.
 *
 * @param reports  Of one run, in the order of their numbers.
 * @throws {Error} When a number is missing: the link is broken, and the runner will say everything again after a redial.
 */
export async function hear(db: Db, reports: readonly [Report, ...Report[]], leaseMs: number): Promise<Heard> {
  const [{ run: id, lease }] = reports
  return transact(db, async (tx) => {
    const run = await lockRun(tx.db, id)
    if (run.state !== 'running' || run.lease_token !== lease) return { run: id, forget: true }
    const fresh = unheard(reports, run)
    const seq = fresh.at(-1)?.seq ?? run.heard_seq
    await tx.db
      .updateTable('runs')
      .set({ heard_seq: seq, lease_until: inMs(leaseMs) })
      .where('id', '=', id)
      .execute()
    await writeDown(tx, run, fresh)
    return { run: id, seq }
  })
}

/** The reports that continue where the run's report stands, each once. @throws {Error} When a number is missing. */
function unheard(reports: readonly Report[], run: LockedRun): Report[] {
  const fresh: Report[] = []
  for (const report of reports) {
    const next = run.heard_seq + fresh.length + 1
    if (report.seq > next) throw new Error(`run ${run.id}: report ${next} is missing before ${report.seq}`)
    if (report.seq === next) fresh.push(report)
  }
  return fresh
}

async function writeDown(tx: Tx, run: LockedRun, reports: readonly Report[]): Promise<void> {
  let progressed = false
  for (const part of partsOf(reports)) {
    if ('pieces' in part) {
      await appendLog(tx.db, { run: run.id, attempt: run.attempt, step: part.step }, joined(part.pieces))
      continue
    }
    await writeEntry(tx, run, part)
    progressed = part.entry.kind !== 'run.ended' && part.entry.kind !== 'part.ended'
  }
  if (progressed)
    tx.emit({ kind: 'run.progressed', project: run.project, pipeline: run.pipeline, run: run.id })
}

type Part = Entry | { readonly step: number; readonly pieces: Piece[] }

/** The reports in their order, neighbouring pieces of one step's log together. */
function partsOf(reports: readonly Report[]): Part[] {
  const parts: Part[] = []
  for (const { said, cameMs } of reports) {
    const last = parts.at(-1)
    if (said.kind !== 'log') parts.push({ entry: said, cameMs })
    else if (last && 'pieces' in last && last.step === said.step) last.pieces.push(said.piece)
    else parts.push({ step: said.step, pieces: [said.piece] })
  }
  return parts
}

/** Small pieces as one, as far as they are not packed: fewer rows, the same bytes. */
function joined(pieces: readonly Piece[]): Piece[] {
  const groups: Piece[][] = []
  let size = 0
  for (const piece of pieces) {
    const [last] = groups.at(-1) ?? []
    if (!last || last.packed || piece.packed || size + piece.bytes > LOG_CHUNK_BYTES) {
      groups.push([])
      size = 0
    }
    groups.at(-1)?.push(piece)
    size += piece.bytes
  }
  return groups.map((group) =>
    group.length === 1 && group[0] ? group[0] : plainPiece(Buffer.concat(group.map(({ stored }) => stored))),
  )
}

type Entry = { readonly entry: ReportEntry; readonly cameMs: number }

async function writeEntry(tx: Tx, run: LockedRun, { entry, cameMs }: Entry): Promise<void> {
  // The moment it came, on the database's clock: several entries may be written down together later.
  const now = sql<Date>`clock_timestamp() - ${performance.now() - cameMs} * interval '1 millisecond'`
  switch (entry.kind) {
    case 'step.started':
      await step(tx.db, run, entry.step).set({ state: 'running', started_at: now }).execute()
      return
    case 'step.skipped':
      await step(tx.db, run, entry.step).set({ state: 'skipped', reason: entry.reason }).execute()
      await skipRest(tx.db, run, entry.step)
      return
    case 'step.tried':
      await step(tx.db, run, entry.step).set({ state: 'running', tries: entry.tries }).execute()
      return
    case 'outputs':
      await ofRun(tx.db, run)
        .set({ values_out: toJson(entry.values) })
        .execute()
      return
    case 'usage':
      await ofRun(tx.db, run)
        .set({ usage: withEarlier(entry) })
        .execute()
      return
    case 'step.ended':
      await step(tx.db, run, entry.step)
        .set({ state: entry.state, exit_code: entry.exitCode, allowed: entry.allowed, ended_at: now })
        .execute()
      await skipRest(tx.db, run, entry.step)
      return
    case 'command.started':
      await command(tx.db, run, entry)
        .set({ state: 'running', started_at: now, first_line: nextLine(run, entry.step) })
        .execute()
      return
    case 'command.ended': {
      // What ends with an error while a person wants it to end was ended, and did not fail.
      const state = entry.exitCode === 0 ? 'succeeded' : run.cancel_at && !run.ending ? 'cancelled' : 'failed'
      await command(tx.db, run, entry).set({ state, exit_code: entry.exitCode, ended_at: now }).execute()
      return
    }
    case 'image.ran':
      await noteImages(tx.db, run, [entry])
      return
    case 'checkpoint.kept':
      await completeHandover(tx.db, run, entry)
      return
    case 'part.ended':
      await reachGate(tx, run, entry.carried)
      return
    case 'run.ended':
      await endAttempt(tx, run, entry)
      return
  }
}

/** Of a run in several parts the peak is that of the part that took most, and the processor's time that of all. */
const withEarlier = ({ peakMemoryBytes, cpuMs }: Extract<ReportEntry, { kind: 'usage' }>) =>
  sql<string>`jsonb_build_object(
    'peakMemoryBytes', greatest((usage ->> 'peakMemoryBytes')::float8, ${peakMemoryBytes}::float8),
    'cpuMs', nullif(coalesce((usage ->> 'cpuMs')::float8, 0) + coalesce(${cpuMs}::float8, 0), 0))`

const ofRun = (db: Trx, run: LockedRun) => db.updateTable('runs').where('id', '=', run.id)

const step = (db: Trx, run: LockedRun, index: number) =>
  db
    .updateTable('steps')
    .where('run_id', '=', run.id)
    .where('attempt', '=', run.attempt)
    .where('step', '=', index)

const command = (db: Trx, run: LockedRun, at: { step: number; command: number }) =>
  db
    .updateTable('commands')
    .where('run_id', '=', run.id)
    .where('attempt', '=', run.attempt)
    .where('step', '=', at.step)
    .where('command', '=', at.command)

/** Commands that their step never reached. */
async function skipRest(db: Trx, run: LockedRun, index: number): Promise<void> {
  await db
    .updateTable('commands')
    .set({ state: 'skipped' })
    .where('run_id', '=', run.id)
    .where('attempt', '=', run.attempt)
    .where('step', '=', index)
    .where('state', '=', 'queued')
    .execute()
}

/** The line that the next byte of a step's log that begins a line will be on. */
const nextLine = (run: LockedRun, index: number) =>
  sql<number>`(select lines + case when open_line then 1 else 0 end from steps
    where run_id = ${run.id} and attempt = ${run.attempt} and step = ${index})`
