import type { RunId } from '../ids.ts'
import { compareRanks, type Ranked, ranked } from './rank.ts'
import type { DueInput, GreenFact, InputFact, NeedFact, Snapshot, VersionFact } from './snapshot.ts'

/** How many green runs are tried for one fact, newest first; a join that wants more takes the best found till then. */
const MOST_TRIES = 1_000

/** For each new fact the newest agreed set that holds it, oldest set first. */
export function agreedSets(snapshot: Snapshot): Ranked[] {
  const sets = vouchedSets(snapshot).flatMap((joined) => withOwnInputs(joined, snapshot.inputs))
  const unique = new Map(sets.map((set) => [JSON.stringify(set.seqs), set]))
  return [...unique.values()].toSorted((a, b) => compareRanks(a, b.seqs, snapshot.inputs))
}

/** Versions by resource, and for each the green runs that vouch for it. */
type Joined = ReadonlyMap<string, { readonly version: VersionFact; readonly via: readonly RunId[] }>
type Fact = { readonly need: NeedFact; readonly green: GreenFact }

function vouchedSets({ needs: given, inputs, taken }: Snapshot): Joined[] {
  const needs = given.map((need) => ({ ...need, greens: need.greens.toSorted(newestFirst(inputs)) }))
  if (needs.length === 0) return [new Map()]
  const isNews = (green: GreenFact) =>
    inputs.some((input) => (green.versions[input.resource]?.seq ?? 0) > (taken?.[input.resource] ?? 0))
  const facts = needs.flatMap((need) => need.greens.filter(isNews).map((green) => ({ need, green })))
  return [...facts, null].flatMap((fixed) => newestJoin({ needs, inputs }, fixed) ?? [])
}

/** The newest set on which all needs agree, with one green run given beforehand; null where there is none. */
function newestJoin(
  { needs, inputs }: Pick<Snapshot, 'needs' | 'inputs'>,
  fixed: Fact | null,
): Joined | null {
  const start: Joined = fixed ? (merge(new Map(), fixed.green) ?? new Map()) : new Map()
  const found: { best: Joined | null; rank: Ranked | null; tries: number } = {
    best: null,
    rank: null,
    tries: 0,
  }
  const search = (joined: Joined, left: readonly NeedFact[]): void => {
    const [need, ...others] = left
    if (!need) {
      const rank = ranked(inputsOf(joined, inputs))
      if (compareRanks(rank, found.rank?.seqs ?? null, inputs) > 0)
        Object.assign(found, { best: joined, rank })
      return
    }
    for (const green of need.greens) {
      if (++found.tries > MOST_TRIES) return
      const merged = merge(joined, green)
      if (merged) search(merged, others)
      // Sharing nothing with the rest it is as new as it gets with its first, newest green: older ones cannot help.
      if (merged && !sharesAnything(green, joined, others)) return
    }
  }
  search(
    start,
    connectedFirst(
      needs.filter((need) => need !== fixed?.need),
      start,
    ),
  )
  return found.best
}

const newestFirst = (inputs: readonly InputFact[]) => (a: GreenFact, b: GreenFact) => {
  const gaps = inputs.map(
    ({ resource }) => (b.versions[resource]?.seq ?? 0) - (a.versions[resource]?.seq ?? 0),
  )
  return gaps.find((gap) => gap !== 0) ?? 0
}

const sharesAnything = (green: GreenFact, joined: Joined, others: readonly NeedFact[]): boolean =>
  Object.keys(green.versions).some(
    (resource) => joined.has(resource) || others.some((need) => need.greens[0]?.versions[resource]),
  )

/** Needs that share a resource with what is fixed narrow the search at once, so they go first. */
const connectedFirst = (needs: readonly NeedFact[], joined: Joined): NeedFact[] =>
  needs.toSorted((a, b) => sharedWith(b, joined) - sharedWith(a, joined))

const sharedWith = (need: NeedFact, joined: Joined): number =>
  Object.keys(need.greens[0]?.versions ?? {}).filter((resource) => joined.has(resource)).length

/** `set` with a green run's versions added, or null where they disagree. */
function merge(set: Joined, green: GreenFact): Joined | null {
  const merged = new Map(set)
  for (const [resource, version] of Object.entries(green.versions)) {
    const known = merged.get(resource)
    if (known && known.version.id !== version.id) return null
    merged.set(resource, { version, via: [...(known?.via ?? []), green.run] })
  }
  return merged
}

const inputsOf = (joined: Joined, inputs: readonly InputFact[]): DueInput[] =>
  inputs.flatMap((input) => {
    const chosen = joined.get(input.resource)
    return chosen && input.via.length > 0
      ? [{ resource: input.resource, version: chosen.version, via: chosen.via.toSorted((a, b) => a - b) }]
      : []
  })

/** Add what the job gets itself: one set for each version that could trigger, the newest one of anything else. */
function withOwnInputs(joined: Joined, inputs: readonly InputFact[]): Ranked[] {
  const own = inputs.filter((input) => input.via.length === 0)
  const vouched = inputsOf(joined, inputs)
  if (vouched.length + own.length < inputs.length) return []
  if (own.some((input) => input.versions.length === 0)) return []
  const newest = own.flatMap((input) => input.versions.slice(0, 1).map((version) => choose(input, version)))
  const older = own.flatMap((input, index) =>
    input.trigger ? input.versions.slice(1).map((version) => newest.with(index, choose(input, version))) : [],
  )
  return [...older, newest].map((chosen) => ranked(inDeclaredOrder([...vouched, ...chosen], inputs)))
}

const choose = (input: InputFact, version: VersionFact): DueInput => ({
  resource: input.resource,
  version,
  via: [],
})

/** The first one becomes the working directory. */
const inDeclaredOrder = (chosen: readonly DueInput[], inputs: readonly InputFact[]): DueInput[] =>
  inputs.flatMap((input) => chosen.filter((each) => each.resource === input.resource))
