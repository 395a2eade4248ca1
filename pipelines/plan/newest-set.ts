import { ownIn } from '../own-in.ts'
import type { DueInput, DueRun, EndingFact, Facts, InputFact, NeedFact, VersionFact } from './facts.ts'
import { isLater, type Join, newestJoin } from './newest-join.ts'
import { rankOf, type Rank, suppliers, type Taken, takenSeq } from './newer.ts'

/** What a set has to contain: the fact of a trigger, or what a person chose. */
export type Fixed = {
  readonly ending: { readonly job: string; readonly ending: EndingFact } | null
  readonly versions: ReadonlyMap<string, VersionFact>
}
export const NOTHING_FIXED: Fixed = { ending: null, versions: new Map() }

/** One version for each input, on which the needs agree, and how new that is. */
export type InputSet = Pick<DueRun, 'inputs' | 'upstreams'> & { readonly rank: Rank }

/**
 * The newest agreed set that contains what is fixed.
 *
 * Needs with `versions: same` are joined. A resource that none of the endings holds a version of (what was passed through, and
 * what failed, puts nothing) is taken as the lane has it, and does not make the set any newer.
 *
 * @returns Null where the needs agree on nothing, or where something is still missing.
 */
export function newestSet(facts: Facts, fixed: Fixed, taken: Taken | null): InputSet | null {
  if (facts.inputs.some((input) => isPinnedToNothing(input, fixed))) return null
  const join = joinOf(facts, fixed, taken)
  const loose = looseOf(facts, fixed)
  if (!join || !loose) return null
  const endings = new Map([...join.endings, ...loose])
  const inputs = facts.inputs.map((input) => inputOf(input, fixed, endings) ?? absent(facts, input))
  if (inputs.includes('missing')) return null
  const chosen = inputs.filter((input) => input !== 'missing' && input !== 'none')
  return {
    inputs: chosen,
    upstreams: facts.needs.flatMap(({ job }) => {
      const ending = join.endings.get(job) ?? loose.get(job)
      return ending ? [{ job, run: ending.run }] : []
    }),
    rank: rankOf(facts, chosen, taken),
  }
}

/** The version that an input has to be: chosen by the trigger or a person, or else by a pin. Null: any. */
export const wantedOf = (input: InputFact, fixed: Fixed): VersionFact | null =>
  fixed.versions.get(input.resource) ?? input.pin?.version ?? null

/** A pin may name a version that is not there yet. */
export const isPinnedToNothing = ({ resource, pin }: InputFact, fixed: Fixed): boolean =>
  pin !== null && pin.version === null && !fixed.versions.has(resource)

function joinOf(facts: Facts, fixed: Fixed, taken: Taken | null): Join | null {
  const relations = facts.needs
    .filter((need) => need.versions === 'same')
    .map((need) => ({ job: need.job, endings: candidates(need, facts, fixed) }))
  const columns = facts.inputs
    .filter((input) => input.via.length > 0)
    .map(({ resource, pin }) => ({
      resource,
      floor: takenSeq(taken, resource),
      ranked: pin === null,
    }))
  return newestJoin(relations, columns)
}

/** The endings of a need that do not contradict a pin or what is fixed. */
function candidates(need: NeedFact, facts: Facts, fixed: Fixed): readonly EndingFact[] {
  if (fixed.ending?.job === need.job) return [fixed.ending.ending]
  const isJoined = facts.needs.some((each) => each.job === fixed.ending?.job && each.versions === 'same')
  const given = isJoined ? fixed.ending?.ending.versions : undefined
  const asked = facts.inputs.flatMap((input) => {
    const id = (ownIn(given, input.resource) ?? wantedOf(input, fixed))?.id
    return id !== undefined && input.via.includes(need.job) ? [{ resource: input.resource, id }] : []
  })
  return need.endings.filter((ending) =>
    asked.every(({ resource, id }) => {
      const held = ownIn(ending.versions, resource)
      // A pin lets what holds nothing pass; a version that was asked for has to be vouched for.
      return held ? held.id === id : !fixed.versions.has(resource)
    }),
  )
}

/** The newest ending of each need with `versions: any`; null where one has none, or has gone on since. */
export function looseOf(facts: Facts, fixed: Fixed): ReadonlyMap<string, EndingFact> | null {
  const found = new Map<string, EndingFact>()
  for (const need of facts.needs.filter((each) => each.versions === 'any')) {
    const newest = newestLoose(need, facts, fixed)
    if (!newest) return null
    if (fixed.ending?.job === need.job && fixed.ending.ending.id !== newest.id) return null
    found.set(need.job, newest)
  }
  return found
}

/** By the versions it held, in the order of sets, and then by its run: a late success of something old is not the newest. */
export function newestLoose(need: NeedFact, facts: Facts, fixed: Fixed): EndingFact | null {
  const usable = need.endings.filter((ending) =>
    facts.inputs.every((input) => {
      if (input.from !== need.job) return true
      const held = ownIn(ending.versions, input.resource)
      const wanted = wantedOf(input, fixed)
      return held ? !wanted || held.id === wanted.id : !fixed.versions.has(input.resource)
    }),
  )
  return usable.reduce<EndingFact | null>(
    (newest, each) => (newest === null || isNewerEnding(facts, each, newest) ? each : newest),
    null,
  )
}

const isNewerEnding = (facts: Pick<Facts, 'inputs'>, a: EndingFact, b: EndingFact): boolean => {
  const order = compareEndings(facts, a, b)
  return order === 0 ? isLater(a, b) : order > 0
}

/** By the versions they held, in the order of sets: above 0 when `a` is newer. */
export function compareEndings({ inputs }: Pick<Facts, 'inputs'>, a: EndingFact, b: EndingFact): number {
  for (const { resource } of inputs) {
    const gap = (ownIn(a.versions, resource)?.seq ?? 0) - (ownIn(b.versions, resource)?.seq ?? 0)
    if (gap !== 0) return gap
  }
  return 0
}

function inputOf(input: InputFact, fixed: Fixed, endings: ReadonlyMap<string, EndingFact>): DueInput | null {
  const { resource, newest } = input
  const holders = suppliers(input).flatMap((job) => {
    const ending = endings.get(job)
    const version = ownIn(ending?.versions, resource)
    return ending && version ? [{ run: ending.run, version }] : []
  })
  const [holder] = holders
  const version = holder?.version ?? wantedOf(input, fixed) ?? newest
  return version && { resource, version, via: holders.map(({ run }) => run).toSorted((a, b) => a - b) }
}

const absent = (facts: Facts, input: InputFact) => (insists(facts, input) ? 'missing' : 'none')

/** Whether there has to be a version: a job that goes on with failures cannot ask for what a failed one would have put. */
export const insists = ({ needs }: Pick<Facts, 'needs'>, input: InputFact): boolean =>
  input.get !== null ||
  needs.every((need) => !suppliers(input).includes(need.job) || need.on.every((on) => on === 'success'))
