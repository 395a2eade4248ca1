import type { Facts, NeedFact } from './facts.ts'
import { endedOtherwise, firstWaits, letsThrough } from './words.ts'

/** What a `strict` start waits for: everything upstream that is not final, in words, job by job. */
export const upstreamWaits = ({ active }: Pick<Facts, 'active'>): string[] => [
  ...new Set(
    active.map(({ job, state }) =>
      state === 'triggered' ? `waits for ${job}, which was triggered` : `waits for ${job}, which is ${state}`,
    ),
  ),
]

/** Why nothing may come of a `strict` start though everything upstream is final, in words; empty when something may. */
export const hindrances = (facts: Facts): string[] => [
  ...new Set([
    ...facts.needs.flatMap((need) => ofNeed(facts, need)),
    ...facts.producers.flatMap((each) => ofProducer(facts, each)),
  ]),
]

function ofNeed(facts: Facts, need: NeedFact): string[] {
  if (need.paused !== null) return [`${need.job} is ${need.paused}`]
  if (!need.newest) return [firstWaits(facts, need)]
  // What has not ended here is upstream by an edge that starts nothing: it is not waited for, and what ended before counts.
  return endedBadly(facts, need)
}

/** A needed job whose newest run ended in a way that its edge does not let through. */
export function endedBadly({ job }: Pick<Facts, 'job'>, need: NeedFact): string[] {
  const how = need.newest?.how ?? null
  if (how === null || letsThrough(need.on, how)) return []
  return [endedOtherwise(job, need, need.job) ?? `${need.job} ended with ${how}`]
}

function ofProducer({ inputs }: Facts, producer: Facts['producers'][number]): string[] {
  const { job, resource, newest, paused } = producer
  if (paused !== null) return [`${job}, which puts ${resource}, is ${paused}`]
  if (newest?.how === 'failure') return [`${job}, which puts ${resource}, failed`]
  if (newest?.how === 'other') return [`${job}, which puts ${resource}, was stopped or broke`]
  const hasVersion = inputs.some((input) => input.resource === resource && input.newest)
  return newest || hasVersion ? [] : [`${job}, which puts ${resource}, never ran`]
}
