import { agreedSets } from './agreed.ts'
import { shortName } from './words.ts'
import { compareRanks, type Ranked, type Taken } from './rank.ts'
import type { Decision, DueRun, NeedFact, Snapshot, VersionFact } from './snapshot.ts'

/**
 * Which runs of a job are due on a lane, and what it waits for otherwise.
 *
 * A run is due for every input set that is agreed (each need has one green run, and all of them, together with what the job
 * gets itself, hold the same version of every shared resource: a natural join), newer than the newest set already taken,
 * and new in an input that triggers. For each new fact (a version, a green run) the newest set that holds it is looked at,
 * and sets are taken in the order of their versions: a late or repeated success of an old commit never moves a lane
 * backwards, and resources that have nothing to do with each other do not multiply.
 *
 * Pure: the caller brings the facts, so a puzzling decision can be replayed from a logged snapshot.
 */
export function due(snapshot: Snapshot): Decision {
  const runs: DueRun[] = []
  const sets = agreedSets(snapshot)
  let taken = snapshot.taken
  for (const set of sets) {
    if (compareRanks(set, taken, snapshot.inputs) <= 0) continue
    const news = newTriggers(set, snapshot, taken)
    if (news.length === 0) continue
    runs.push({ inputs: set.inputs, reason: news.join(', ') })
    taken = set.seqs
  }
  return { due: runs, waiting: waitingFor(snapshot, taken) ?? disagreement(snapshot, sets.length) }
}

/** The inputs that are newer than what was taken and allowed to trigger, each in words. */
function newTriggers(set: Ranked, snapshot: Snapshot, taken: Taken | null): string[] {
  return snapshot.inputs.flatMap((input) => {
    const chosen = set.inputs.find((candidate) => candidate.resource === input.resource)
    if (!chosen || chosen.version.seq <= (taken?.[input.resource] ?? 0)) return []
    const what = `${input.resource} ${shortName(chosen.version.name)}`
    if (input.via.length === 0) return input.trigger ? [`new version of ${what}`] : []
    const by = input.via.filter((job) => snapshot.needs.some((need) => need.job === job && need.trigger))
    return by.length > 0 ? [`${by.join(' and ')} passed ${what}`] : []
  })
}

/** Why nothing newer is due, in words; null when the newest versions have been taken. */
function waitingFor(snapshot: Snapshot, taken: Taken | null): string | null {
  const missing = snapshot.inputs.find((input) => input.versions.length === 0)
  if (missing) return `waits for the first version of ${missing.resource}`
  const reasons = snapshot.inputs.flatMap((input) => {
    const newest = input.versions[0]
    if (!newest || newest.seq <= (taken?.[input.resource] ?? 0)) return []
    return input.via.flatMap((job) => needReason(snapshot.needs, { job, resource: input.resource, newest }))
  })
  return reasons.length > 0 ? [...new Set(reasons)].join('; ') : null
}

/** Every need is green on the newest versions, and yet no set holds: each passed them in another company. */
function disagreement({ inputs, needs, taken }: Snapshot, sets: number): string | null {
  const news = inputs.some((input) => (input.versions[0]?.seq ?? 0) > (taken?.[input.resource] ?? 0))
  if (sets > 0 || needs.length < 2 || !news) return null
  return `waits for one set of versions that ${needs.map((need) => need.job).join(' and ')} all passed`
}

type Wanted = { readonly job: string; readonly resource: string; readonly newest: VersionFact }

function needReason(needs: readonly NeedFact[], { job, resource, newest: wanted }: Wanted): string[] {
  const need = needs.find((candidate) => candidate.job === job)
  if (!need || need.greens.some((green) => green.versions[resource]?.id === wanted.id)) return []
  const on = `${job} on ${shortName(wanted.name)}`
  if (!need.newest || need.newest.versions[resource]?.id !== wanted.id) return [`waits for ${on}`]
  switch (need.newest.state) {
    case 'queued':
    case 'running':
    case 'waiting':
      return [`waits for ${on}, which is ${need.newest.state}`]
    case 'failed':
    case 'errored':
      return [`${on} ${need.newest.state}: retry it, or push a commit that passes`]
    case 'cancelled':
    case 'skipped':
      return [`${on} was ${need.newest.state}: retry it, or push a commit that passes`]
    case 'succeeded':
      return []
  }
}
