import { CoverageBook, type FileCoverage } from './coverage.ts'
import { type ReportReader, Unreadable } from './unreadable.ts'

const LONGEST_LINE = 10_000
const TAKEN = { found: 1, hit: 1 }
const MISSED = { found: 1, hit: 0 }

/** Reads LCOV's trace files: `SF:` begins a file, `DA:` and `BRDA:` tell of its lines and branches, `end_of_record` ends it. */
export class LcovReader implements ReportReader<FileCoverage[]> {
  readonly #book = new CoverageBook()
  #file: ReturnType<CoverageBook['file']> | null = null
  #rest = ''
  #line = 0
  #records = 0

  write(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    if (this.#rest.length > LONGEST_LINE) throw this.#wrong('is too long')
    for (const line of lines) this.#read(line.trimEnd())
  }

  end(): FileCoverage[] {
    this.#read(this.#rest.trimEnd())
    if (this.#file) throw this.#wrong('is the last one, and the record before it has no `end_of_record`')
    if (this.#records === 0) throw new Unreadable('has no records of LCOV in it')
    return this.#book.files
  }

  #read(line: string): void {
    this.#line++
    const colon = line.indexOf(':')
    const word = colon < 0 ? line : line.slice(0, colon)
    const values = colon < 0 ? '' : line.slice(colon + 1)
    if (word === 'SF') this.#beginFile(values)
    else if (word === 'DA') this.#heardLine(values)
    else if (word === 'BRDA') this.#heardBranch(values)
    else if (word === 'end_of_record') this.#endFile()
    else if (!/^[A-Z]{0,10}$/.test(word) && !line.startsWith('#')) throw this.#wrong('is none of LCOV')
  }

  #beginFile(name: string): void {
    if (this.#file) throw this.#wrong('begins a file, and the record before it has no `end_of_record`')
    this.#file = this.#book.file(name)
  }

  #heardLine(values: string): void {
    const [, number, hits] = /^(\d{1,9}),(-?\d{1,18})(?:,|$)/.exec(values) ?? []
    if (!this.#file || number === undefined) throw this.#wrong('is no `DA:<line>,<hits>` of a file')
    this.#book.line(this.#file, { number: Number(number), hits: Number(hits) })
  }

  #heardBranch(values: string): void {
    const [, number, name, taken] = /^(\d{1,9}),(.{1,200}),(\d{1,18}|-)$/.exec(values) ?? []
    if (!this.#file || number === undefined) throw this.#wrong('is no `BRDA:` of a file')
    const counted = taken !== '-' && Number(taken) > 0 ? TAKEN : MISSED
    this.#book.branches(this.#file, { line: Number(number), name }, counted)
  }

  #endFile(): void {
    if (!this.#file) throw this.#wrong('ends a record that was not begun')
    this.#file = null
    this.#records++
  }

  #wrong = (words: string) => new Unreadable(`cannot be read: line ${this.#line} ${words}`)
}
