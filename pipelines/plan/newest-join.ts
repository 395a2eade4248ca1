import type { VersionId } from '../ids.ts'
import { ownIn } from '../own-in.ts'
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

type Held = readonly (VersionFact | undefined)[]
type Row = { readonly ending: EndingFact; readonly held: Held }
/** `at`: the columns of which some of its endings hold a version. */
type Domain = { readonly job: string; readonly at: readonly number[]; readonly rows: readonly Row[] }
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
  const domains = relations.map((each) => domainOf(each, columns))
  descend(search, { held, chosen: [], domains, moved: columns.map((_, at) => at) })
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
  const at = columns.flatMap(({ resource }, index) =>
    endings.some((ending) => ownIn(ending.versions, resource)) ? [index] : [],
  )
  const unique = new Map<string, Row>()
  for (const ending of endings) {
    const held: (VersionFact | undefined)[] = new Array(columns.length)
    let key = ''
    for (const index of at) {
      const version = ownIn(ending.versions, columns[index]?.resource ?? '')
      held[index] = version
      key += `${version?.id ?? 0},`
    }
    const known = unique.get(key)
    if (!known || isLater(ending, known.ending)) unique.set(key, { ending, held })
  }
  const newer = (a: Row, b: Row) => {
    const index = at.find((each) => a.held[each]?.seq !== b.held[each]?.seq)
    return index === undefined ? 0 : (b.held[index]?.seq ?? 0) - (a.held[index]?.seq ?? 0)
  }
  return { job, at, rows: [...unique.values()].toSorted(newer) }
}

/** By the run, so that a matrix counts as its newest leg; what a batch ended with last counts when the run is the same. */
export const isLater = (a: EndingFact, b: EndingFact): boolean =>
  a.run === b.run ? a.id > b.id : a.run > b.run

const compare = (a: readonly number[], b: readonly number[]): number => {
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return (a[at] ?? 0) - (b[at] ?? 0)
  return 0
}

type Place = {
  readonly held: Held
  readonly chosen: readonly (readonly [string, Row])[]
  readonly domains: readonly Domain[]
  /** The columns of which something was decided since the domains agreed. */
  readonly moved: readonly number[]
}

function descend(search: Search, place: Place): void {
  const domains = agreeing(place)
  if (!domains) return
  const top = ceiling(search.columns, place.held, domains)
  if (search.best && compare(top, search.best.rank) <= 0) return
  const next = nextDomain(place.held, domains)
  if (!next) {
    search.best = { rank: top, chosen: place.chosen }
    return
  }
  const others = domains.filter((domain) => domain !== next)
  for (const row of next.rows) {
    if (search.best && compare(under(search.columns, top, row), search.best.rank) <= 0) continue
    if (++search.tries > MOST_TRIES) return
    descend(search, {
      held: place.held.map((version, at) => version ?? row.held[at]),
      chosen: [...place.chosen, [next.job, row]],
      domains: others,
      moved: next.at,
    })
  }
}

/** What is left of a ceiling with a row under it. */
const under = (columns: readonly Column[], top: readonly number[], row: Row): number[] =>
  top.map((seq, at) => (columns[at]?.ranked ? (row.held[at]?.seq ?? seq) : seq))

/** The domains without what no row of another one goes with, column by column until nothing moves; null when one is empty. */
function agreeing({ held, domains: given, moved }: Place): readonly Domain[] | null {
  const domains = [...given]
  const open = new Set(moved)
  for (const at of open) {
    open.delete(at)
    const allowed = allowedAt(at, held[at], domains)
    if (!allowed) continue
    for (const [index, domain] of domains.entries()) {
      if (!domain.at.includes(at)) continue
      const rows = domain.rows.filter(({ held: { [at]: version } }) => !version || allowed.has(version.id))
      if (rows.length === 0) return null
      if (rows.length === domain.rows.length) continue
      domains[index] = { ...domain, rows }
      for (const other of domain.at) open.add(other)
    }
  }
  return domains
}

/** The versions of a column that every domain can go with; null where none of them insists on one. */
function allowedAt(
  at: number,
  fixed: VersionFact | undefined,
  domains: readonly Domain[],
): ReadonlySet<VersionId> | null {
  if (fixed) return new Set([fixed.id])
  let allowed: Set<VersionId> | null = null
  for (const { at: columns, rows } of domains) {
    if (!columns.includes(at)) continue
    const ids = heldBy(rows, at)
    if (ids) allowed = allowed ? allowed.intersection(ids) : ids
  }
  return allowed
}

/** The versions that rows hold; null where one of them holds none, and so goes with all. */
function heldBy(rows: readonly Row[], at: number): Set<VersionId> | null {
  const ids = new Set<VersionId>()
  for (const { held } of rows) {
    const version = held[at]
    if (!version) return null
    ids.add(version.id)
  }
  return ids
}

/** The rank that no set from here on exceeds; of a whole set its own. */
const ceiling = (columns: readonly Column[], held: Held, domains: readonly Domain[]): number[] =>
  columns.map(({ ranked, floor }, at) => {
    if (!ranked) return 0
    const fixed = held[at]
    if (fixed) return fixed.seq
    let insisted = Infinity
    let most = floor
    for (const domain of domains) {
      if (!domain.at.includes(at)) continue
      const top = topOf(domain.rows, at)
      if (top.insists) insisted = Math.min(insisted, top.most)
      most = Math.max(most, top.most)
    }
    return insisted === Infinity ? most : insisted
  })

function topOf(rows: readonly Row[], at: number): { readonly most: number; readonly insists: boolean } {
  let most = 0
  let insists = true
  for (const { held } of rows) {
    const version = held[at]
    if (!version) insists = false
    else if (version.seq > most) most = version.seq
  }
  return { most, insists }
}

/** The one with the earliest resource that is still open, so that the first set found is mostly the newest; the smallest of those. */
function nextDomain(held: Held, domains: readonly Domain[]): Domain | null {
  const open = ({ at, rows }: Domain) =>
    at.find((index) => !held[index] && rows.some((row) => row.held[index])) ?? held.length
  const [next] = domains
    .map((domain) => ({ domain, at: open(domain) }))
    .toSorted((a, b) => a.at - b.at || a.domain.rows.length - b.domain.rows.length)
  return next?.domain ?? null
}
