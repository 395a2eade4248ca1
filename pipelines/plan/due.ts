import type { RunId } from '../ids.ts'
import type {
  Decision,
  DueInput,
  DueRun,
  GreenFact,
  InputFact,
  NeedFact,
  Snapshot,
  VersionFact,
} from './snapshot.ts'

/**
 * Which runs of a job are due on a lane, and what it waits for otherwise.
 *
 * A run is due for every input set that is agreed (each need has one green run, and all of them, together with what the job
 * gets itself, hold the same version of every shared resource: a natural join), newer than the newest set already taken,
 * and new in an input that triggers. Sets are taken in the order of their versions, so a late or repeated success of an old
 * commit never moves a lane backwards.
 *
 * Pure: the caller brings the facts, so a puzzling decision can be replayed from a logged snapshot.
 */
export function due(snapshot: Snapshot): Decision {
  const runs: DueRun[] = []
  let taken = snapshot.taken
  const sets = agreedSets(snapshot)
  for (const set of sets) {
    const rank = rankOf(set, snapshot.inputs)
    if (taken && compareRanks(rank, taken) <= 0) continue
    const news = newTriggers(set, snapshot, taken)
    if (news.length === 0) continue
    runs.push({ inputs: set, rank, reason: news.join(', ') })
    taken = rank
  }
  return { due: runs, waiting: waitingFor(snapshot, taken) ?? disagreement(snapshot, sets.length) }
}

/** Lexicographic, in the order of the inputs: the order in which sets of versions are newer than one another. */
export function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (const [index, seq] of a.entries()) {
    const difference = seq - (b[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

const rankOf = (set: readonly DueInput[], inputs: readonly InputFact[]): number[] =>
  inputs.map((input) => set.find((chosen) => chosen.resource === input.resource)?.version.seq ?? 0)

/** Every agreed set, oldest first. */
function agreedSets(snapshot: Snapshot): DueInput[][] {
  const vouched = joinGreens(snapshot.needs)
  const sets = vouched.flatMap((joined) => withOwnInputs(joined, snapshot.inputs))
  return sets.toSorted((a, b) => compareRanks(rankOf(a, snapshot.inputs), rankOf(b, snapshot.inputs)))
}

/** Versions by resource, and for each the green runs that vouch for it. */
type Joined = ReadonlyMap<string, { readonly version: VersionFact; readonly via: readonly RunId[] }>

/** The natural join of the needs' green runs over the resources they share. */
function joinGreens(needs: readonly NeedFact[]): Joined[] {
  let joined: Joined[] = [new Map()]
  for (const need of needs) {
    joined = joined.flatMap((set) => need.greens.flatMap((green) => merge(set, green) ?? []))
  }
  return joined
}

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

/** Add what the job gets itself: one set for each version that could trigger, the newest one of anything else. */
function withOwnInputs(joined: Joined, inputs: readonly InputFact[]): DueInput[][] {
  const own = inputs.filter((input) => input.via.length === 0)
  if (own.some((input) => input.versions.length === 0)) return []
  const vouched = inputs.flatMap((input): DueInput[] => {
    const chosen = joined.get(input.resource)
    return chosen ? [{ resource: input.resource, ...chosen }] : []
  })
  if (own.length === 0) return [vouched]
  const newest = own.map((input) => choose(input, input.versions[0]))
  const older = own.flatMap((input, index) =>
    input.trigger ? input.versions.slice(1).map((version) => newest.with(index, choose(input, version))) : [],
  )
  return [...older, newest].map((chosen) => [...vouched, ...chosen])
}

function choose(input: InputFact, version: VersionFact | undefined): DueInput {
  if (!version) throw new Error(`the resource ${input.resource} has no version to choose`)
  return { resource: input.resource, version, via: [] }
}

/** The inputs that are newer than what was taken and allowed to trigger, each in words. */
function newTriggers(
  set: readonly DueInput[],
  snapshot: Snapshot,
  taken: readonly number[] | null,
): string[] {
  return snapshot.inputs.flatMap((input, index) => {
    const chosen = set.find((candidate) => candidate.resource === input.resource)
    if (!chosen || chosen.version.seq <= (taken?.[index] ?? 0)) return []
    const what = `${input.resource} ${shortName(chosen.version.name)}`
    if (input.via.length === 0) return input.trigger ? [`new version of ${what}`] : []
    const by = input.via.filter((job) => snapshot.needs.some((need) => need.job === job && need.trigger))
    return by.length > 0 ? [`${by.join(' and ')} passed ${what}`] : []
  })
}

/** Commit hashes and digests by their first seven characters; other names as they are. */
export const shortName = (name: string): string => (/^[0-9a-f]{40,64}$/.test(name) ? name.slice(0, 7) : name)

/** Why nothing newer is due, in words; null when the newest versions have been taken. */
function waitingFor(snapshot: Snapshot, taken: readonly number[] | null): string | null {
  const missing = snapshot.inputs.find((input) => input.versions.length === 0)
  if (missing) return `waits for the first version of ${missing.resource}`
  const reasons = snapshot.inputs.flatMap((input, index) => {
    const newest = input.versions[0]
    if (!newest || newest.seq <= (taken?.[index] ?? 0)) return []
    return input.via.flatMap((job) => needReason(snapshot.needs, job, input.resource, newest))
  })
  return reasons.length > 0 ? [...new Set(reasons)].join('; ') : null
}

/** Every need is green on the newest versions, and yet no set holds: each passed them in another company. */
function disagreement({ inputs, needs, taken }: Snapshot, sets: number): string | null {
  const news = inputs.some((input, index) => (input.versions[0]?.seq ?? 0) > (taken?.[index] ?? 0))
  if (sets > 0 || needs.length < 2 || !news) return null
  return `waits for one set of versions that ${needs.map((need) => need.job).join(' and ')} all passed`
}

function needReason(
  needs: readonly NeedFact[],
  job: string,
  resource: string,
  wanted: VersionFact,
): string[] {
  const need = needs.find((candidate) => candidate.job === job)
  if (!need || need.greens.some((green) => green.versions[resource]?.id === wanted.id)) return []
  const on = `${job} on ${shortName(wanted.name)}`
  const newest = need.newest
  if (!newest || newest.versions[resource]?.id !== wanted.id) return [`waits for ${on}`]
  switch (newest.state) {
    case 'queued':
    case 'running':
    case 'waiting':
      return [`waits for ${on}, which is ${newest.state}`]
    case 'failed':
    case 'errored':
    case 'cancelled':
    case 'skipped':
      return [
        `${on} ${newest.state === 'skipped' ? 'was skipped' : newest.state === 'cancelled' ? 'was cancelled' : newest.state}: retry it, or push a commit that passes`,
      ]
    case 'succeeded':
      return []
  }
}
