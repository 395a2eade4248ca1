import { ownIn } from '../own-in.ts'
import type { Facts, InputFact, NeedFact, VersionFact } from './facts.ts'
import { type Taken, takenSeq } from './newer.ts'
import { type Fixed, insists, isPinnedToNothing, newestLoose, wantedOf } from './newest-set.ts'
import { firstWaits, inWords, joined, needWaits } from './words.ts'

/** Why there is no agreed set that contains what is fixed, in words. At least one. */
export function lacking(facts: Facts, fixed: Fixed): string[] {
  const overtaken = facts.needs.filter((need) => isOvertaken(facts, need, fixed))
  if (overtaken.length > 0)
    return overtaken.map((need) => `${facts.job.name} goes on with a newer run of ${need.job}`)
  const missing = facts.inputs.flatMap((input) => missingVersion(facts, input, fixed))
  const waits = [...missing, ...needsWaiting(facts, fixed, () => true)]
  return waits.length > 0 ? [...new Set(waits)] : [disagreement(facts, fixed)]
}

/** Of a need with `versions: any` only the newest run counts. */
const isOvertaken = (facts: Facts, need: NeedFact, fixed: Fixed): boolean =>
  need.versions === 'any' &&
  need.job === fixed.ending?.job &&
  newestLoose(need, facts, fixed)?.id !== fixed.ending.ending.id

/** A first version that is not there yet, or a pin that names none. */
export function missingVersion(facts: Facts, input: InputFact, fixed: Fixed): string[] {
  const { resource, pin, newest } = input
  if (pin && isPinnedToNothing(input, fixed)) return [`${pin.words}, and there is no such version`]
  if (newest || wantedOf(input, fixed) || !insists(facts, input)) return []
  return [`waits for the first version of ${resource}`]
}

type Wanted = { readonly resource: string; readonly version: VersionFact }

/** What each need is still to go on with: the versions that are fixed, or else the newest. */
export function needsWaiting(facts: Facts, fixed: Fixed, isAsked: (wanted: Wanted) => boolean): string[] {
  return facts.needs.flatMap((need) => {
    if (fixed.ending?.job === need.job && need.versions === 'same') return []
    if (need.versions === 'any') return need.endings.length > 0 ? [] : [firstWaits(facts, need)]
    const wanted = wantedThrough(need, facts, fixed)
    if (wanted.length === 0) return need.endings.length > 0 ? [] : [firstWaits(facts, need)]
    return wanted.filter(isAsked).flatMap((each) => needWaits(facts, need, each) ?? [])
  })
}

const wantedThrough = (need: NeedFact, facts: Facts, fixed: Fixed): Wanted[] =>
  facts.inputs.flatMap((input) => {
    if (!input.via.includes(need.job)) return []
    const given = ownIn(fixed.ending?.ending.versions, input.resource) ?? wantedOf(input, fixed)
    const version = given ?? input.newest
    return version ? [{ resource: input.resource, version }] : []
  })

/** Whether a version is newer than what the job has taken, or pinned. */
export const isNews = (facts: Facts, taken: Taken | null) => (wanted: Wanted) => {
  const input = facts.inputs.find(({ resource }) => resource === wanted.resource)
  return !taken || Boolean(input?.pin) || wanted.version.seq > takenSeq(taken, wanted.resource)
}

/** Every need has gone on with its versions, and yet no set holds: each in another company. */
export function disagreement(facts: Facts, { ending }: Fixed): string {
  const needs = facts.needs.filter((need) => need.versions === 'same').map((need) => need.job)
  const words = `waits for one set of versions that ${joined(needs)} all passed`
  const [first] = ending ? Object.entries(ending.ending.versions) : []
  return first && needs.length > 1 ? `${words}, with ${inWords(...first)} in it` : words
}
