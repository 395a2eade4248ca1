import { ownIn } from '../own-in.ts'
import type { EndingFact, Facts, How, InputFact, NeedFact, Trigger, VersionFact } from './facts.ts'
import { startsJob, suppliers, type Taken, takenSeq } from './newer.ts'
import type { InputSet } from './newest-set.ts'
import { inWords, joined } from './words.ts'

/** Why a run starts: what is new in it that starts the job; where nothing is, what triggered it. */
export function runReason(
  facts: Facts,
  set: InputSet,
  { taken, triggers }: { readonly taken: Taken | null; readonly triggers: readonly Trigger[] },
): string {
  const changed = triggers.flatMap((trigger) => (trigger.kind === 'changed' ? [trigger.words] : []))
  const news = changed.length > 0 ? changed : newsIn(facts, set, taken)
  const words = news.length > 0 ? news : triggers.flatMap((trigger) => triggerWords(facts, trigger))
  return [...new Set(words)].join(', ')
}

const newsIn = (facts: Facts, set: InputSet, taken: Taken | null): string[] =>
  facts.inputs.flatMap((input, at) => {
    const chosen = set.inputs.find(({ resource }) => resource === input.resource)
    const isNew = (set.rank[at] ?? 0) > takenSeq(taken, input.resource)
    if (!chosen || !isNew || !startsJob(input, facts)) return []
    return inputWords(facts, input, { version: chosen.version, set })
  })

type Chosen = { readonly version: VersionFact; readonly set: InputSet }

/** `lint and test passed src v1`; where needs ended in different ways, each way by itself. */
function inputWords({ needs }: Facts, input: InputFact, { version, set }: Chosen): string[] {
  const by = suppliers(input)
  if (by.length === 0) return [`new version of ${inWords(input.resource, version)}`]
  const ended = needs
    .filter((need) => need.trigger && by.includes(need.job))
    .map((need) => ({ job: need.job, how: howOf(need, set) }))
  return (['success', 'failure', 'other'] as const).flatMap((how) => {
    const jobs = ended.filter((each) => each.how === how).map((each) => each.job)
    return jobs.length > 0 ? [endedOn(joined(jobs), how, inWords(input.resource, version))] : []
  })
}

function howOf(need: NeedFact, { upstreams }: InputSet): How | null {
  const run = upstreams.find(({ job }) => job === need.job)?.run
  return need.endings.find((ending) => ending.run === run)?.how ?? null
}

const endedOn = (jobs: string, how: How, what: string): string => {
  if (how === 'success') return `${jobs} passed ${what}`
  return how === 'failure' ? `${jobs} failed on ${what}` : `${jobs} ended on ${what}`
}

/** A trigger in words, as the reason for a run. */
export function triggerWords(facts: Facts, trigger: Trigger): string[] {
  switch (trigger.kind) {
    case 'version':
      return [`new version of ${inWords(trigger.resource, trigger.version)}`]
    case 'ending':
      return [endingWords(facts, trigger.job, trigger.ending)]
    case 'changed':
      return [trigger.words]
  }
}

function endingWords({ inputs }: Facts, job: string, { how, versions }: EndingFact): string {
  const held = inputs.flatMap(({ resource }) => {
    const version = ownIn(versions, resource)
    return version ? [inWords(resource, version)] : []
  })
  return held.length > 0 ? endedOn(job, how, held.join(' with ')) : `${job} ended with ${how}`
}
