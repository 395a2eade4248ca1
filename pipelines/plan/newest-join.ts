import type { VersionId } from '../ids.ts'
import type { EndingFact, VersionFact } from './facts.ts'

/** How many endings are tried in one search; a join that wants more takes the best found till then. */
export const MOST_TRIES = 1_000

/** A needed job and the endings of it that may stand in the set. */
export type Relation = { readonly job: string; readonly endings: readonly EndingFact[] }

/** A resource whose version the join decides. */
export type Column = {
  readonly resource: string
  /** Its place in the order of sets where no ending holds a version of it. */
  readonly floor: number
  /** Whether it counts in the order of sets at all: a pinned one does not. */
  readonly ranked: boolean
}

/** One ending for each need, which agree on every resource they share. */
export type Join = {
  readonly endings: ReadonlyMap<string, EndingFact>
  readonly versions: ReadonlyMap<string, VersionFact>
}

type Row = { readonly ending: EndingFact; readonly held: readonly (VersionFact | undefined)[] }
type Domain = { readonly job: string; readonly rows: readonly Row[] }
type Held = readonly (VersionFact | undefined)[]
type Search = {
  readonly columns: readonly Column[]
  best: { readonly rank: readonly number[]; readonly chosen: readonly (readonly [string, Row])[] } | null
  tries: number
}

/**
 * The newest natural join: needs are relations over versions, and of all agreeing combinations the one with the highest `seq`s,
 * compared column by column, is looked for. Depth first, newest first; what cannot agree, or cannot be newer than the best
 * found, is left out before it is tried.
 *
 * @returns Null where the needs agree on nothing. No needs at all agree on the empty set.
 */
export function newestJoin(relations: readonly Relation[], columns: readonly Column[]): Join | null {
  const search: Search = { columns, best: null, tries: 0 }
  const held = columns.map(() => undefined)
  descend(search, { held, chosen: [], domains: relations.map((each) => domainOf(each, columns)) })
  if (!search.best) return null
  const { chosen } = search.best
  return {
    endings: new Map(chosen.map(([job, row]) => [job, row.ending])),
    versions: new Map(
      columns.flatMap(({ resource }, at) => {
        const version = chosen.map(([, row]) => row.held[at]).find((each) => each !== undefined)
        return version ? [[resource, version] as const] : []
      }),
    ),
  }
}

/** An ending with the same versions as a newer one adds nothing: a retry stands for what it repeats. */
function domainOf({ job, endings }: Relation, columns: readonly Column[]): Domain {
  const unique = new Map<string, Row>()
  for (const ending of endings) {
    const held = columns.map(({ resource }) => ending.versions[resource])
    const key = held.map((version) => version?.id ?? 0).join()
    const known = unique.get(key)
    if (!known || isLater(ending, known.ending)) unique.set(key, { ending, held })
  }
  const rows = [...unique.values()].toSorted((a, b) => compare(seqsOf(b.held), seqsOf(a.held)))
  return { job, rows }
}

/** By the run, so that a matrix counts as its newest leg; what a batch ended with last counts when the run is the same. */
export const isLater = (a: EndingFact, b: EndingFact): boolean =>
  a.run === b.run ? a.id > b.id : a.run > b.run

const seqsOf = (held: Held) => held.map((version) => version?.seq ?? 0)
const compare = (a: readonly number[], b: readonly number[]): number => {
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return (a[at] ?? 0) - (b[at] ?? 0)
  return 0
}

type Place = {
  readonly held: Held
  readonly chosen: readonly (readonly [string, Row])[]
  readonly domains: readonly Domain[]
}

function descend(search: Search, place: Place): void {
  const domains = agreeing(place)
  if (!domains) return
  const rank = ceiling(search.columns, place.held, domains)
  if (search.best && compare(rank, search.best.rank) <= 0) return
  const next = nextDomain(place.held, domains)
  if (!next) {
    search.best = { rank, chosen: place.chosen }
    return
  }
  const others = domains.filter((domain) => domain !== next)
  for (const row of next.rows) {
    if (++search.tries > MOST_TRIES) return
    descend(search, {
      held: place.held.map((version, at) => version ?? row.held[at]),
      chosen: [...place.chosen, [next.job, row]],
      domains: others,
    })
  }
}

/** The domains without what no row of another one goes with, column by column until nothing changes; null when one is empty. */
function agreeing({ held, domains: given }: Place): readonly Domain[] | null {
  let domains = given
  for (;;) {
    const allowed = held.map((version, at) => allowedAt(at, version, domains))
    const goes = (row: Row) =>
      allowed.every((ids, at) => {
        const version = row.held[at]
        return !version || !ids || ids.has(version.id)
      })
    const left = domains.map((domain) => {
      const rows = domain.rows.filter(goes)
      return rows.length === domain.rows.length ? domain : { job: domain.job, rows }
    })
    if (left.some((domain) => domain.rows.length === 0)) return null
    if (left.every((domain, index) => domain === domains[index])) return left
    domains = left
  }
}

/** The versions of a column that every domain can go with; null where none of them insists on one. */
function allowedAt(
  at: number,
  fixed: VersionFact | undefined,
  domains: readonly Domain[],
): ReadonlySet<VersionId> | null {
  if (fixed) return new Set([fixed.id])
  const insisted = domains.flatMap(({ rows }) => {
    const ids = rows.map((row) => row.held[at]?.id)
    return ids.includes(undefined) ? [] : [new Set(ids.filter((id) => id !== undefined))]
  })
  const [first, ...others] = insisted
  return first ? others.reduce((both, ids) => both.intersection(ids), first) : null
}

/** The rank that no set from here on exceeds; of a whole set its own. */
const ceiling = (columns: readonly Column[], held: Held, domains: readonly Domain[]): number[] =>
  columns.map(({ ranked, floor }, at) => {
    if (!ranked) return 0
    const fixed = held[at]
    if (fixed) return fixed.seq
    const tops = domains.map(({ rows }) => ({
      most: Math.max(...rows.map((row) => row.held[at]?.seq ?? floor)),
      insists: rows.every((row) => row.held[at]),
    }))
    const insisting = tops.filter((top) => top.insists).map((top) => top.most)
    return insisting.length > 0 ? Math.min(...insisting) : Math.max(floor, ...tops.map((top) => top.most))
  })

/** The one with the earliest resource that is still open, so that the first set found is mostly the newest; the smallest of those. */
function nextDomain(held: Held, domains: readonly Domain[]): Domain | null {
  const open = ({ rows }: Domain) => {
    const at = held.findIndex((version, index) => !version && rows.some((row) => row.held[index]))
    return at < 0 ? held.length : at
  }
  const [next] = domains
    .map((domain) => ({ domain, at: open(domain) }))
    .toSorted((a, b) => a.at - b.at || a.domain.rows.length - b.domain.rows.length)
  return next?.domain ?? null
}
