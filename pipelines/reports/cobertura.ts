import { CoverageBook, type FileCoverage } from './coverage.ts'
import { type ReportReader, Unreadable } from './unreadable.ts'
import { type Attributes, XmlReader } from './xml.ts'

/** Reads Cobertura's XML: classes name their file, and lines their hits and how many of their conditions were met. */
export class CoberturaReader implements ReportReader<FileCoverage[]> {
  readonly #book = new CoverageBook()
  readonly #xml = new XmlReader({
    open: (name, attributes) => this.#open(name, attributes),
    text: () => {},
    close: (name) => {
      if (name === 'class') this.#file = null
    },
  })
  #root = true
  #file: ReturnType<CoverageBook['file']> | null = null

  write(text: string): void {
    this.#xml.write(text)
  }

  end(): FileCoverage[] {
    this.#xml.end()
    return this.#book.files
  }

  #open(name: string, attributes: Attributes): void {
    if (this.#root && name !== 'coverage')
      throw new Unreadable(`is no coverage: it begins with <${name.slice(0, 40)}>, not with <coverage>`)
    this.#root = false
    // Clover's reports begin with the same word, and have a project where Cobertura's have packages.
    if (name === 'project')
      throw new Unreadable('is in the form of Clover, which is not read; write Cobertura or LCOV')
    if (name === 'class') this.#file = this.#book.file(attributes['filename'] ?? '')
    else if (name === 'line' && this.#file) this.#line(this.#file, attributes)
  }

  #line(file: ReturnType<CoverageBook['file']>, attributes: Attributes): void {
    const number = Number(attributes['number'])
    this.#book.line(file, { number, hits: Number(attributes['hits']) || 0 })
    const [, hit, found] = /\((\d{1,6})\/(\d{1,6})\)/.exec(attributes['condition-coverage'] ?? '') ?? []
    if (found === undefined) return
    this.#book.branches(file, { line: number }, { found: Number(found), hit: Number(hit) })
  }
}
