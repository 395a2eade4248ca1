import type { LineSummary } from './line-summary.ts'

/** Which lines the first page shows. */
export const LINE_KINDS = ['all', 'broken', 'running', 'waiting'] as const
export type LineKind = (typeof LINE_KINDS)[number]
export type LineFilter = { readonly words: string; readonly kind: LineKind }

export const KIND_WORDS: Readonly<Record<LineKind, string>> = {
  all: 'All',
  broken: 'Broken',
  running: 'On the line now',
  waiting: 'Waiting',
}

/** All words must stand somewhere in the line's name, its newest commit or who wrote it. */
export function isWanted(line: LineSummary, { words, kind }: LineFilter): boolean {
  const { project, name } = line.pipeline
  const inputs = line.newest?.inputs ?? []
  const told = [
    project,
    name,
    line.newest?.lane,
    ...inputs.flatMap(({ version, title, author }) => [version, title, author]),
  ]
  const text = told.join(' ').toLowerCase()
  return (
    isOfKind(line, kind) &&
    words
      .toLowerCase()
      .split(/\s+/)
      .every((word) => text.includes(word))
  )
}

function isOfKind({ broken, underWay }: LineSummary, kind: LineKind): boolean {
  if (kind === 'broken') return broken.length > 0
  if (kind === 'running') return underWay.some(({ state }) => state === 'running')
  if (kind === 'waiting') return underWay.some(({ state }) => state !== 'running')
  return true
}

export function lineFilterIn(query: URLSearchParams): LineFilter {
  const kind = LINE_KINDS.find((each) => each === query.get('show')) ?? 'all'
  return { words: query.get('q') ?? '', kind }
}

export function homeAddress({ words, kind }: LineFilter): string {
  const said = Object.entries({ q: words, show: kind === 'all' ? '' : kind }).filter(
    ([, value]) => value !== '',
  )
  return said.length === 0 ? '/' : `/?${new URLSearchParams(said)}`
}
