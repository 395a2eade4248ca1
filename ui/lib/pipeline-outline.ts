import type { OwnNames } from './schema-completions.ts'
import { contentEnd, readLine } from './yaml-lines.ts'

/** A name right below a section of a pipeline file. Lines and columns count from 1. */
export type Outlined = {
  readonly section: string
  readonly name: string
  readonly line: number
  readonly column: number
}

/** What a pipeline file names, as far as it is written: read line by line, because a half-written file is no document. */
export function outlineOf(text: string): Outlined[] {
  const found: Outlined[] = []
  let section: string | null = null
  let column: number | null = null
  for (const [number, line] of text.split('\n').entries()) {
    const first = readLine(line.slice(0, contentEnd(line))).entries[0]
    if (!first || first.key === null) continue
    if (first.column === 0) [section, column] = [first.key, null]
    else if (section !== null && (column ??= first.column) === first.column)
      found.push({ section, name: first.key, line: number + 1, column: first.column + 1 })
  }
  return found
}

/** @param known Of the last good file: where a section is written in one line, only that tells. */
export function ownNames(text: string, known: Pick<OwnNames, 'jobs' | 'resources'>): OwnNames {
  const outline = outlineOf(text)
  const of = (section: string) => outline.filter((one) => one.section === section).map(({ name }) => name)
  const resources = of('resources')
  const isAlone = resources.length === 0 && !/^resources\s*:/m.test(text)
  return {
    jobs: either(of('jobs'), known.jobs),
    // A file that declares none has the repository it lies in.
    resources: isAlone ? ['src'] : either(resources, known.resources),
    environments: of('environments'),
  }
}

const either = (written: readonly string[], known: readonly string[]): readonly string[] =>
  written.length > 0 ? written : known
