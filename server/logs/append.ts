import { sql } from 'kysely'
import type { RunId } from '#pipelines/ids.ts'
import type { Trx } from '../db/connect.ts'

export type StepKey = { readonly run: RunId; readonly attempt: number; readonly step: number }

const LINE_END = 0x0a

/**
 * Add pieces to the end of a step's log, each as a row, in one statement. The caller holds the run's row, so that they come one
 * at a time and in order.
 */
export async function appendLog(db: Trx, at: StepKey, said: readonly Buffer[]): Promise<void> {
  const pieces = said.filter(({ length }) => length > 0)
  const last = pieces.at(-1)
  if (!last) return
  let [bytes, lines] = [0, 0]
  const rows = pieces.map((piece) => {
    const row = sql`(${bytes}::bigint, ${lines}::bigint, ${piece}::bytea)`
    bytes += piece.length
    lines += countLines(piece)
    return row
  })
  const { numAffectedRows } = await sql`
    with grown as (
      update steps set bytes = bytes + ${bytes}, lines = lines + ${lines}, open_line = ${last.at(-1) !== LINE_END}
      where run_id = ${at.run} and attempt = ${at.attempt} and step = ${at.step} returning bytes, lines
    )
    insert into log_chunks (run_id, attempt, step, first_byte, first_line, bytes)
    select ${at.run}, ${at.attempt}, ${at.step}, grown.bytes - ${bytes} + piece.byte, grown.lines - ${lines} + piece.line,
      piece.bytes from grown, (values ${sql.join(rows)}) as piece (byte, line, bytes)`.execute(db)
  if (Number(numAffectedRows) !== rows.length)
    throw new Error(`run ${at.run} has no step ${at.step} in its attempt ${at.attempt}: its log has no place`)
}

export function countLines(bytes: Uint8Array): number {
  let lines = 0
  for (let at = bytes.indexOf(LINE_END); at >= 0; at = bytes.indexOf(LINE_END, at + 1)) lines++
  return lines
}
