/** A report that cannot be read, or is larger than anybody needs; the message is half a sentence that goes on from the file's name. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable'
}

/** Reads one report as it comes. Whatever it is given, it ends: with what the report says, or by throwing `Unreadable`. */
export interface ReportReader<Report> {
  write(text: string): void
  end(): Report
}

/** A report has at most this many bytes. */
export const MOST_REPORT_BYTES = 16 * 2 ** 20

/** A text out of a report, fit for a table: no control characters but line ends and tabs, and so long at most. */
export function legible(text: string, most: number): string {
  const clean = text.replace(/[^\P{Cc}\n\t]/gu, '\u{fffd}')
  return clean.length > most ? `${clean.slice(0, most - 1)}…` : clean
}
