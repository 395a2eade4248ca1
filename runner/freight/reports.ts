import { REPORT_KINDS, type ReportKind } from '#pipelines/reports/read-report.ts'
import { MOST_REPORT_BYTES } from '#pipelines/reports/unreadable.ts'
import { Refusal } from '../call-server.ts'
import { EngineError, FOLDERS } from '../engine.ts'
import type { Load } from './load.ts'
import { selectionOf } from './patterns.ts'
import { type Found, readFiles } from './read-files.ts'

const MOST_REPORTS = 200

/**
 * Send what the job reports of its tests and its coverage to the server, the run's secrets hidden in it as in its log.
 *
 * No run fails for a report: one that is missing, or that the server cannot read or does not get, is told in the log.
 */
export async function sendReports(load: Load): Promise<void> {
  for (const kind of REPORT_KINDS)
    try {
      await sendKind(load, kind)
    } catch (error) {
      load.signal.throwIfAborted()
      if (!(error instanceof Refusal) && !(error instanceof EngineError)) throw error
      await load.say(`Reports (${kind}) were not taken: ${error.message}\n`)
    }
}

async function sendKind(load: Load, kind: ReportKind): Promise<void> {
  const patterns = load.work.plan.reports[kind]
  if (patterns.length === 0) return
  const reading = { ...selectionOf(patterns), folder: FOLDERS.work, signal: load.signal }
  let sent = 0
  for await (const found of readFiles(load.workspace, reading)) {
    if (found.header.type !== 'file') continue
    if (sent === MOST_REPORTS) {
      await load.say(`Reports (${kind}): the first ${MOST_REPORTS} are taken, and no more\n`)
      break
    }
    sent++
    await sendOne(load, { kind, found })
  }
  if (sent === 0) await load.say(`Reports (${kind}): nothing is there at ${patterns.join(', ')}\n`)
}

type Sending = { readonly kind: ReportKind; readonly found: Found }

async function sendOne({ call, work, signal, say }: Load, { kind, found }: Sending): Promise<void> {
  const stream = work.mask()
  const plain = await beginningOf(found.content)
  const bytes = Buffer.concat([stream.push(plain), stream.end()])
  const path = `reports/${kind}?path=${encodeURIComponent(found.path)}`
  const response = await call(work, { method: 'POST', path, body: async () => bytes, signal })
  const { refusal } = (await response.json()) as { readonly refusal: string | null }
  await say(`Report ${found.path}${refusal === null ? '' : ` ${refusal}`}\n`)
}

/** Of more bytes than a report may have, one more: the server says why it is not read. */
async function beginningOf(content: Found['content']): Promise<Buffer> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of content) {
    if (size <= MOST_REPORT_BYTES) pieces.push(piece)
    size += piece.length
  }
  return Buffer.concat(pieces).subarray(0, MOST_REPORT_BYTES + 1)
}
