import { CoberturaReader } from './cobertura.ts'
import type { FileCoverage } from './coverage.ts'
import { decoderFor, HEAD_BYTES } from './decode.ts'
import { JunitReader, type TestCase } from './junit.ts'
import { LcovReader } from './lcov.ts'
import { MOST_REPORT_BYTES, type ReportReader, Unreadable } from './unreadable.ts'

export const REPORT_KINDS = ['junit', 'coverage'] as const
export type ReportKind = (typeof REPORT_KINDS)[number]
export type Report =
  | { readonly kind: 'junit'; readonly cases: TestCase[] }
  | { readonly kind: 'coverage'; readonly files: FileCoverage[] }

/** So much is read at a time: in between, whoever reads may do other things. */
const PIECE_BYTES = 64 * 1024

/**
 * Read a report out of its bytes, in steps: each `next` reads a piece, the last one returns what the report says.
 *
 * @throws {Unreadable} Where it is no report of its kind, or larger than one may be.
 */
export function* readReport(kind: ReportKind, bytes: Uint8Array): Generator<void, Report> {
  if (bytes.length > MOST_REPORT_BYTES)
    throw new Unreadable(`has more than ${MOST_REPORT_BYTES / 2 ** 20} MiB, and is not read`)
  const decoder = decoderFor(bytes.subarray(0, HEAD_BYTES))
  if (kind === 'junit') return { kind, cases: yield* through(new JunitReader(), bytes, decoder) }
  const head = decoderFor(bytes.subarray(0, HEAD_BYTES)).decode(bytes.subarray(0, HEAD_BYTES))
  const reader = head.trimStart().startsWith('<') ? new CoberturaReader() : new LcovReader()
  return { kind, files: yield* through(reader, bytes, decoder) }
}

function* through<T>(reader: ReportReader<T>, bytes: Uint8Array, decoder: TextDecoder): Generator<void, T> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    reader.write(decoder.decode(bytes.subarray(at, at + PIECE_BYTES), { stream: true }))
    yield
  }
  reader.write(decoder.decode())
  return reader.end()
}
