import { sql } from 'kysely'
import type { RunId } from '#pipelines/ids.ts'
import type { Trx } from '../db/connect.ts'
import { copyIn, int4, int8 } from '../db/copy-in.ts'
import { LONG_BYTES, type Piece } from './piece.ts'

export type StepKey = { readonly run: RunId; readonly attempt: number; readonly step: number }

/** A piece, and how much of what is appended lies before it. */
type Laid = { readonly piece: Piece; readonly byte: number; readonly line: number }
type Grown = { readonly bytes: number; readonly lines: number; readonly open: boolean }

/** Add pieces to the end of a step's log, each as a row. The caller holds the run's row, so that they come one at a time and in order. */
export async function appendLog(db: Trx, at: StepKey, said: readonly Piece[]): Promise<void> {
  const pieces = said.filter(({ bytes }) => bytes > 0)
  const last = pieces.at(-1)
  if (!last) return
  const laid: Laid[] = []
  let [bytes, lines, stored] = [0, 0, 0]
  for (const piece of pieces) {
    laid.push({ piece, byte: bytes, line: lines })
    bytes += piece.bytes
    lines += piece.lines
    stored += piece.stored.length
  }
  const write = stored < LONG_BYTES ? insert : copy
  await write(db, at, { laid, grown: { bytes, lines, open: last.open } })
}

type Appending = { readonly laid: readonly Laid[]; readonly grown: Grown }

/** What people watch as it is printed: one statement, one way there and back. */
async function insert(db: Trx, at: StepKey, { laid, grown }: Appending): Promise<void> {
  const rows = laid.map(({ piece, byte, line }) => {
    const [rawBytes, rawLines] = rawOf(piece)
    return sql`(${byte}::bigint, ${line}::bigint, ${piece.stored}::bytea, ${rawBytes}::int, ${rawLines}::int)`
  })
  const { numAffectedRows } = await sql`
    with grown as (${growth(at, grown)})
    insert into log_chunks (run_id, attempt, step, first_byte, first_line, bytes, raw_bytes, raw_lines)
    select ${at.run}, ${at.attempt}, ${at.step}, grown.bytes + piece.byte, grown.lines + piece.line,
      piece.bytes, piece.raw_bytes, piece.raw_lines
    from grown, (values ${sql.join(rows)}) as piece (byte, line, bytes, raw_bytes, raw_lines)`.execute(db)
  if (Number(numAffectedRows) !== rows.length) throw noPlace(at)
}

const COLUMNS = 'run_id, attempt, step, first_byte, first_line, raw_bytes, raw_lines, bytes'

/** A flood. */
async function copy(db: Trx, at: StepKey, { laid, grown }: Appending): Promise<void> {
  const { rows } = await growth(at, grown).execute(db)
  const [before] = rows
  if (!before) throw noPlace(at)
  const key = [int8(at.run), int4(at.attempt), int4(at.step)]
  const fields = laid.map(({ piece, byte, line }) => {
    const place = [int8(before.bytes + byte), int8(before.lines + line)]
    return [
      ...key,
      ...place,
      ...rawOf(piece).map((count) => (count === null ? null : int4(count))),
      piece.stored,
    ]
  })
  await copyIn(db, `log_chunks (${COLUMNS})`, fields)
}

/** Makes the step's log so much longer, and says how long it was. */
const growth = ({ run, attempt, step }: StepKey, { bytes, lines, open }: Grown) =>
  sql<{ bytes: number; lines: number }>`
    update steps set bytes = bytes + ${bytes}, lines = lines + ${lines}, open_line = ${open}
    where run_id = ${run} and attempt = ${attempt} and step = ${step}
    returning bytes - ${bytes} as bytes, lines - ${lines} as lines`

/** What a piece becomes when it is opened: bytes and lines, or null where it is not packed. */
const rawOf = (piece: Piece) => (piece.packed ? [piece.bytes, piece.lines] : [null, null])

const noPlace = ({ run, attempt, step }: StepKey) =>
  new Error(`run ${run} has no step ${step} in its attempt ${attempt}: its log has no place`)
