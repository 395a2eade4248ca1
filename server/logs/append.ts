import { sql } from 'kysely'
import type { RunId } from '#pipelines/ids.ts'
import type { Trx } from '../db/connect.ts'
import type { Piece } from './piece.ts'

export type StepKey = { readonly run: RunId; readonly attempt: number; readonly step: number }

/**
 * Add pieces to the end of a step's log, each as a row, in one statement. The caller holds the run's row, so that they come one
 * at a time and in order.
 */
export async function appendLog(db: Trx, at: StepKey, said: readonly Piece[]): Promise<void> {
  const pieces = said.filter(({ bytes }) => bytes > 0)
  const last = pieces.at(-1)
  if (!last) return
  let [bytes, lines] = [0, 0]
  const rows = pieces.map((piece) => {
    const [rawBytes, rawLines] = piece.packed ? [piece.bytes, piece.lines] : [null, null]
    const row = sql`(${bytes}::bigint, ${lines}::bigint, ${piece.stored}::bytea, ${rawBytes}::int, ${rawLines}::int)`
    bytes += piece.bytes
    lines += piece.lines
    return row
  })
  const { numAffectedRows } = await sql`
    with grown as (
      update steps set bytes = bytes + ${bytes}, lines = lines + ${lines}, open_line = ${last.open}
      where run_id = ${at.run} and attempt = ${at.attempt} and step = ${at.step} returning bytes, lines
    )
    insert into log_chunks (run_id, attempt, step, first_byte, first_line, bytes, raw_bytes, raw_lines)
    select ${at.run}, ${at.attempt}, ${at.step}, grown.bytes - ${bytes} + piece.byte, grown.lines - ${lines} + piece.line,
      piece.bytes, piece.raw_bytes, piece.raw_lines
    from grown, (values ${sql.join(rows)}) as piece (byte, line, bytes, raw_bytes, raw_lines)`.execute(db)
  if (Number(numAffectedRows) !== rows.length)
    throw new Error(`run ${at.run} has no step ${at.step} in its attempt ${at.attempt}: its log has no place`)
}
