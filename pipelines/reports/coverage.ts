import { legible, Unreadable } from './unreadable.ts'

export type Counted = { readonly found: number; readonly hit: number }
export type FileCoverage = { readonly path: string; readonly lines: Counted; readonly branches: Counted }

const MOST_FILES = 20_000
const MOST_LINES = 3_000_000
const LONGEST_PATH = 400
/** Where a run's working directory lies, as its programs see it. */
const WORK = '/takt/work/'

type Draft = {
  readonly lines: Map<number, boolean>
  /** By line, and by name in it where they have one. */
  readonly branches: Map<number | string, Counted>
}

/** Gathers what a report says of files, each line once: several records of one file, or of one line, are one. */
export class CoverageBook {
  readonly #files = new Map<string, Draft>()
  #lines = 0

  /** @param name  As the report has it: an absolute path in the working directory becomes one from there. */
  file(name: string): Draft {
    const path = legible(
      name
        .trim()
        .replaceAll('\\', '/')
        .replace(WORK, '')
        .replace(/^(\.\/)+/, ''),
      LONGEST_PATH,
    )
    const known = this.#files.get(path)
    if (known) return known
    if (path === '') throw new Unreadable('tells of a file without a name')
    if (this.#files.size >= MOST_FILES) throw new Unreadable(`tells of more than ${MOST_FILES} files`)
    const draft: Draft = { lines: new Map(), branches: new Map() }
    this.#files.set(path, draft)
    return draft
  }

  line(file: Draft, { number, hits }: { number: number; hits: number }): void {
    if (++this.#lines > MOST_LINES) throw new Unreadable(`tells of more than ${MOST_LINES} lines`)
    if (Number.isInteger(number) && number > 0) file.lines.set(number, file.lines.get(number) || hits > 0)
  }

  /** @param at  With a name one branch of the line, else all of them: a report that only counts cannot say which were taken. */
  branches(file: Draft, { line, name }: { line: number; name?: string | undefined }, counted: Counted): void {
    if (++this.#lines > MOST_LINES) throw new Unreadable(`tells of more than ${MOST_LINES} lines`)
    if (!Number.isInteger(line) || counted.hit > counted.found) return
    const key = name === undefined ? line : `${line},${name}`
    const known = file.branches.get(key)
    file.branches.set(key, known ? larger(known, counted) : counted)
  }

  get files(): FileCoverage[] {
    return [...this.#files]
      .map(([path, { lines, branches }]) => ({
        path,
        lines: { found: lines.size, hit: [...lines.values()].filter(Boolean).length },
        branches: summed([...branches.values()]),
      }))
      .toSorted((a, b) => (a.path < b.path ? -1 : 1))
  }
}

const summed = (counts: readonly Counted[]): Counted =>
  counts.reduce((sum, { found, hit }) => ({ found: sum.found + found, hit: sum.hit + hit }), {
    found: 0,
    hit: 0,
  })

const larger = (one: Counted, other: Counted): Counted => ({
  found: Math.max(one.found, other.found),
  hit: Math.max(one.hit, other.hit),
})
