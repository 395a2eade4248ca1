import type { RunId } from '#pipelines/ids.ts'
import type { Trx } from '../db/connect.ts'

export type StepKey = { readonly run: RunId; readonly attempt: number; readonly step: number }

const LINE_END = 0x0a

/** Add bytes to the end of a step's log. The caller holds the run's row, so that pieces come one at a time and in order. */
export async function appendLog(db: Trx, at: StepKey, bytes: Buffer): Promise<void> {
  if (bytes.length === 0) return
  const key = { run_id: at.run, attempt: at.attempt, step: at.step }
  const { size, lines } = await db
    .updateTable('steps')
    .set((eb) => ({
      bytes: eb('bytes', '+', bytes.length),
      lines: eb('lines', '+', countLines(bytes)),
      open_line: bytes.at(-1) !== LINE_END,
    }))
    .where('run_id', '=', at.run)
    .where('attempt', '=', at.attempt)
    .where('step', '=', at.step)
    .returning(['bytes as size', 'lines'])
    .executeTakeFirstOrThrow()
  await db
    .insertInto('log_chunks')
    .values({ ...key, first_byte: size - bytes.length, first_line: lines - countLines(bytes), bytes })
    .execute()
}

export function countLines(bytes: Uint8Array): number {
  let lines = 0
  for (let at = bytes.indexOf(LINE_END); at >= 0; at = bytes.indexOf(LINE_END, at + 1)) lines++
  return lines
}
