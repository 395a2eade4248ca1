import type { RunId, VersionId } from '../ids.ts'
import { ownIn } from '../own-in.ts'
import type { DueInput, Facts, InputFact, Trigger } from './facts.ts'
import type { InputSet } from './newest-set.ts'

/** The newest set that a job took on a lane. `words` name it. */
export type Taken = {
  readonly seqs: Readonly<Record<string, number>>
  readonly runs: Readonly<Record<string, RunId>>
  readonly words: string
}

/** Where the version stands that a job took of a resource; 0 where it took none. */
export const takenSeq = (taken: Pick<Taken, 'seqs'> | null, resource: string): number =>
  ownIn(taken?.seqs, resource) ?? 0

/** The `seq`s of a set in the order in which the file declares the resources. What is pinned does not count, so it is 0. */
export type Rank = readonly number[]

export function rankOf(
  facts: Pick<Facts, 'inputs' | 'needs'>,
  chosen: readonly DueInput[],
  taken: Taken | null,
): Rank {
  return facts.inputs.map((input) => {
    if (input.pin) return 0
    const found = chosen.find((each) => each.resource === input.resource)
    const vouched = (found?.via.length ?? 0) > 0 || suppliers(input).length === 0
    return found && vouched ? found.version.seq : takenSeq(taken, input.resource)
  })
}

/** The needs that hand a resource on; none where the job takes it straight from the lane. */
export const suppliers = ({ via, from }: Pick<InputFact, 'via' | 'from'>): readonly string[] =>
  from ? [from] : via

const takenRank = ({ inputs }: Pick<Facts, 'inputs'>, taken: Taken): Rank =>
  inputs.map(({ resource, pin }) => (pin ? 0 : takenSeq(taken, resource)))

function compareRanks(a: Rank, b: Rank): number {
  const at = a.findIndex((seq, index) => seq !== b[index])
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0)
}

/**
 * How a set stands to what the job has taken.
 *
 * `newer`: above it, and new in something that starts the job. `every`: not above it, but `version: every` asks for its version
 * too. `same`: as new. `beside`: above it only in what starts nothing. `behind`: that, and older in what starts the job. `older`.
 */
export type Standing = 'newer' | 'every' | 'same' | 'beside' | 'behind' | 'older'

export type Before = { readonly taken: Taken | null; readonly used: ReadonlySet<VersionId> }

export function standingOf(
  facts: Facts,
  set: InputSet,
  { before, trigger }: { readonly before: Before; readonly trigger: Trigger | null },
): Standing {
  const { taken } = before
  if (!taken) return 'newer'
  const order = compareRanks(set.rank, takenRank(facts, taken))
  const loose = facts.needs.filter((need) => hasNewerRun(need, set, taken))
  const arrived = isPinThatCame(facts, taken, trigger)
  const gaps = startingGaps(facts, set, taken)
  const isAbove = order > 0 || (order === 0 && (loose.length > 0 || arrived))
  if (isAbove && (gaps.some((gap) => gap > 0) || loose.some((need) => need.trigger) || arrived))
    return 'newer'
  if (asksForEvery(facts, set, before.used)) return 'every'
  if (order < 0) return 'older'
  if (order === 0 && !isAbove) return 'same'
  return gaps.some((gap) => gap < 0) ? 'behind' : 'beside'
}

/** Input by input, where it may start the job, by how much it is newer than what was taken. */
const startingGaps = (facts: Facts, set: InputSet, taken: Taken): number[] =>
  facts.inputs.flatMap((input, at) =>
    startsJob(input, facts) && !input.pin ? [(set.rank[at] ?? 0) - takenSeq(taken, input.resource)] : [],
  )

export const startsJob = (input: InputFact, { needs }: Pick<Facts, 'needs'>): boolean => {
  const by = suppliers(input)
  return by.length > 0
    ? needs.some((need) => need.trigger && by.includes(need.job))
    : (input.get?.trigger ?? false)
}

/** Each newest run of a need with `versions: any` is a new input, whatever versions it held. */
function hasNewerRun(need: Facts['needs'][number], set: InputSet, taken: Taken): boolean {
  if (need.versions !== 'any') return false
  const run = set.upstreams.find(({ job }) => job === need.job)?.run
  const before = ownIn(taken.runs, need.job)
  if (run === undefined || run === before) return false
  // What was taken is known and passed over, so the other one is newer, also where its run is older: it ended late.
  return before === undefined || run > before || need.endings.some((ending) => ending.run === before)
}

/** A pin that named a version before it was there: a version that counts for nothing in the order of sets, and is new. */
function isPinThatCame({ inputs }: Facts, taken: Taken, trigger: Trigger | null): boolean {
  if (trigger?.kind !== 'version') return false
  const pin = inputs.find((input) => input.resource === trigger.resource)?.pin
  return (
    pin?.version?.id === trigger.version.id && ownIn(taken.seqs, trigger.resource) !== trigger.version.seq
  )
}

const asksForEvery = (facts: Facts, set: InputSet, used: ReadonlySet<VersionId>): boolean =>
  facts.inputs.some((input) => {
    const version = set.inputs.find((each) => each.resource === input.resource)?.version
    return input.get?.every && startsJob(input, facts) && version && !used.has(version.id)
  })
