import { letsThrough } from '#pipelines/plan/words.ts'
import { isNews, missingVersion, needsWaiting } from '#pipelines/plan/lacking.ts'
import { NOTHING_FIXED } from '#pipelines/plan/newest-set.ts'
import type { Facts } from '#pipelines/plan/facts.ts'
import { takenSeq } from '#pipelines/plan/newer.ts'
import { ownIn } from '#pipelines/own-in.ts'
import type { Standing } from './standings.ts'

/** What a job waits for, in words; null when it has taken all that is new, or runs. */
export function waitingWords({ facts: seen, held, gathered, unrun }: Standing): string | null {
  const now = seen.paused ?? held ?? gathered
  if (now !== null) return now
  const facts = asFacts(seen)
  const missing = facts.inputs.flatMap((input) => missingVersion(facts, input, NOTHING_FIXED))
  const waits = [...missing, ...needsWaiting(facts, NOTHING_FIXED, isNews(facts, takenOf(facts)))]
  if (waits.length > 0) return [...new Set(waits)].join('; ')
  return unrun !== null && hasNews(facts) ? unrun : null
}

/** The planner's words ask for no more than stands in here. */
const asFacts = (seen: Standing['facts']): Facts => ({
  ...seen,
  project: '',
  pipeline: '',
  lane: { name: '', kind: 'push' },
  needs: seen.needs.map((need) => ({
    ...need,
    endings: need.endings.filter((ending) => letsThrough(need.on, ending.how)),
  })),
  active: [],
  producers: [],
  used: [],
  details: {},
  triggers: [],
})

const takenOf = ({ taken }: Facts) => taken && { ...taken, words: '' }

/** Why nothing came of a trigger matters as long as there is something that the job has not taken. */
function hasNews({ inputs, needs, taken }: Facts): boolean {
  if (!taken) return true
  const newer = inputs.some(({ resource, newest }) => newest && newest.seq > takenSeq(taken, resource))
  const loose = needs.filter((need) => need.versions === 'any')
  return (
    newer || loose.some(({ job, endings }) => endings.some((end) => end.run > (ownIn(taken.runs, job) ?? 0)))
  )
}
