import type { Facts } from './facts.ts'
import { disagreement, isNews, missingVersion, needsWaiting } from './lacking.ts'
import { standingOf, type Taken, takenSeq } from './newer.ts'
import { newestSet, NOTHING_FIXED } from './newest-set.ts'
import { hindrances, upstreamWaits } from './strict.ts'

/**
 * What a job waits for at this moment, in words, one thing each: what is missing, which needed job has not gone on with what is
 * newest, what a `strict` start gathers for. Empty when the newest set has been taken.
 *
 * The facts are those of a look with nothing fixed, whether triggers are open or not.
 */
export function why(facts: Facts): string[] {
  const taken = facts.taken && { ...facts.taken, words: `run ${facts.taken.run}` }
  const stopped = facts.paused === null ? [] : [facts.paused]
  const waits = [
    ...facts.inputs.flatMap((input) => missingVersion(facts, input, NOTHING_FIXED)),
    ...needsWaiting(facts, NOTHING_FIXED, isNews(facts, taken)),
    ...gatheredFor(facts),
  ]
  return [...new Set([...stopped, ...(waits.length > 0 ? waits : apart(facts, taken))])]
}

function gatheredFor(facts: Facts): string[] {
  const isGathering = facts.triggers.some((trigger) => trigger.gathered)
  return isGathering ? [...upstreamWaits(facts), ...hindrances(facts)] : []
}

/** All needs have gone on with their newest versions and agree on none of them; or a pin keeps the newest away. */
function apart(facts: Facts, taken: Taken | null): string[] {
  const set = newestSet(facts, NOTHING_FIXED, taken)
  if (set && standingOf(facts, set, { before: { taken, used: new Set() }, trigger: null }) !== 'same')
    return []
  const held = facts.inputs.flatMap(({ pin, newest }) =>
    pin && newest && newest.id !== pin.version?.id ? [pin.words] : [],
  )
  if (held.length > 0) return held
  const isNewer = facts.inputs.some(
    ({ resource, via, newest }) => via.length > 0 && newest && newest.seq > takenSeq(taken, resource),
  )
  return !set && isNewer && facts.needs.length > 1 ? [disagreement(facts, NOTHING_FIXED)] : []
}
