import type { RunId } from '#pipelines/ids.ts'
import { isFinal } from '#pipelines/states.ts'
import type { Db } from '../db/connect.ts'
import { ofAttempt } from '../runs/attempt-steps.ts'
import { opened } from './piece.ts'

/**
 * Attempt and state of a run, and the sizes of its steps' logs: what a reader needs to know where it stands.
 *
 * @param wanted  The attempt; the present one when it is left out. Of one that was lost nothing more will be said.
 * @returns Undefined when there is no such run or no such attempt. Each step says which attempt did it, and so where its log lies.
 */
export async function logOf(db: Db, run: RunId, wanted?: number) {
  const row = await db
    .selectFrom('runs')
    .select(['attempt', 'state'])
    .where('id', '=', run)
    .executeTakeFirst()
  const attempt = wanted ?? row?.attempt
  if (!row || attempt === undefined || attempt > row.attempt) return undefined
  const steps = await db
    .selectFrom('steps')
    .select(['step', 'attempt', 'lines', 'bytes', 'open_line'])
    .where(ofAttempt('steps', { id: run, attempt }))
    .orderBy('step')
    .execute()
  return {
    attempt,
    state: row.state,
    ended: isFinal(row.state) || attempt < row.attempt,
    steps: steps.map((step) => ({ ...step, lines: step.lines + (step.open_line ? 1 : 0) })),
  }
}

/** A byte of one step's log, in the attempt that did the step. */
export type Place = { readonly attempt: number; readonly step: number; readonly offset: number }

export type Chunk = {
  readonly firstByte: number
  readonly firstLine: number
  readonly bytes: Buffer
  readonly at: Date
}

/** The chunks of a step that hold a place and what comes behind it, in order, at most `limit`. The first may begin before it. */
export async function chunksFrom(db: Db, run: RunId, from: Place, limit: number): Promise<Chunk[]> {
  const rows = await db
    .selectFrom('log_chunks')
    .select(['first_byte', 'first_line', 'bytes', 'raw_bytes', 'raw_lines', 'at'])
    .where('run_id', '=', run)
    .where('attempt', '=', from.attempt)
    .where('step', '=', from.step)
    .where('first_byte', '>=', holding(db, run, from))
    .orderBy('first_byte')
    .limit(limit)
    .execute()
  const chunks = rows.map((row) => ({
    firstByte: row.first_byte,
    firstLine: row.first_line,
    bytes: opened(row),
    at: row.at,
  }))
  return chunks.filter((chunk) => chunk.firstByte + chunk.bytes.length > from.offset)
}

/** Where the chunk begins that holds a place. */
const holding = (db: Db, run: RunId, from: Place) =>
  db
    .selectFrom('log_chunks as before')
    .select((eb) => eb.fn.coalesce(eb.fn.max('before.first_byte'), eb.lit(0)).as('first_byte'))
    .where('before.run_id', '=', run)
    .where('before.attempt', '=', from.attempt)
    .where('before.step', '=', from.step)
    .where('before.first_byte', '<=', from.offset)

const PAGE = 16

/** Every byte of one attempt of a run, step by step, as it stands now. */
export async function* wholeLog(db: Db, run: RunId, attempt: number): AsyncGenerator<Uint8Array> {
  const log = await logOf(db, run, attempt)
  for (const { step, attempt: by } of log?.steps ?? []) {
    for (let offset = 0; ;) {
      const chunks = await chunksFrom(db, run, { attempt: by, step, offset }, PAGE)
      for (const chunk of chunks) yield new Uint8Array(chunk.bytes)
      const last = chunks.at(-1)
      if (!last) break
      offset = last.firstByte + last.bytes.length
    }
  }
}

export type Line = {
  readonly line: number
  readonly step: number
  readonly text: string
  readonly at: string
}

type StepLines = { readonly step: number; readonly attempt: number; readonly lines: number }

/** Lines `from` to `from + limit - 1` of a run, counted through all its steps: of so many only the first ones, and none left out. */
export async function readLines(
  db: Db,
  run: RunId,
  { steps, from, limit }: { steps: readonly StepLines[]; from: number; limit: number },
): Promise<Line[]> {
  const lines: Line[] = []
  let before = 0
  for (const { step, attempt, lines: count } of steps) {
    const first = Math.max(0, from - before)
    const wanted = Math.min(limit - lines.length, count - first)
    if (wanted > 0) {
      const found = await stepLines(db, run, { attempt, step, first, wanted })
      lines.push(...found.lines.map(({ line, ...rest }) => ({ ...rest, line: before + line })))
      if (found.cut) break // what follows in later steps is another page's: this one would have a hole
    }
    before += count
  }
  return lines
}

/** A page holds at most this much, however long its lines are: fewer lines than asked for come back then. */
const MOST_CHUNKS = 64

/** The wanted lines of one step, numbered within it; cut, where they would have made too large a page. */
async function stepLines(
  db: Db,
  run: RunId,
  { attempt, step, first, wanted }: { attempt: number; step: number; first: number; wanted: number },
): Promise<{ readonly lines: Line[]; readonly cut: boolean }> {
  const chunks = await chunksOfLines(db, run, { attempt, step, first, end: first + wanted })
  const opening = chunks[0]?.first_line ?? 0
  const words = Buffer.concat(chunks.map(opened)).toString('utf8').split('\n')
  // Where the page was cut short its last line may be half a line: it is the next page's, unless it is all there is.
  const full = chunks.length === MOST_CHUNKS
  if (full && opening + words.length - 1 > first) words.pop()
  const at = (line: number) =>
    (chunks.findLast((chunk) => chunk.first_line <= line) ?? chunks[0])?.at.toISOString() ?? ''
  // The opening chunk may begin inside a line that the chunk before it began; `chunksOfLines` brought that one along.
  const lines = words
    .map((text, index) => ({ line: opening + index, step, text, at: at(opening + index) }))
    .filter(({ line }) => line >= first && line < first + wanted)
  return { lines, cut: full && lines.length < wanted }
}

function chunksOfLines(
  db: Db,
  run: RunId,
  { attempt, step, first, end }: { attempt: number; step: number; first: number; end: number },
) {
  const ofStep = db
    .selectFrom('log_chunks')
    .where('run_id', '=', run)
    .where('attempt', '=', attempt)
    .where('step', '=', step)
  return ofStep
    .select(['first_line', 'bytes', 'raw_bytes', 'raw_lines', 'at'])
    .where('first_byte', '>=', (eb) =>
      eb
        .selectFrom('log_chunks as before')
        .select((before) =>
          before.fn.coalesce(before.fn.max('before.first_byte'), before.lit(0)).as('first_byte'),
        )
        .where('before.run_id', '=', run)
        .where('before.attempt', '=', attempt)
        .where('before.step', '=', step)
        .where((before) =>
          before.or([before('before.first_line', '<', first), before('before.first_byte', '=', 0)]),
        ),
    )
    .where('first_line', '<', end)
    .orderBy('first_byte')
    .limit(MOST_CHUNKS)
    .execute()
}
