import { ownIn } from '../own-in.ts'
import type { Facts, How, NeedFact, VersionFact } from './facts.ts'

/** Commit hashes and digests by their first seven characters; other names as they are. */
export const shortName = (name: string): string => (/^[0-9a-f]{40,64}$/.test(name) ? name.slice(0, 7) : name)

export const inWords = (resource: string, version: VersionFact): string =>
  `${resource} ${shortName(version.name)}`

/** Whether an edge goes on with a run that ended like this. */
export const letsThrough = (on: NeedFact['on'], how: How): boolean =>
  on.includes('finish') || (how !== 'other' && on.includes(how))

const ON = { success: 'passes', failure: 'fails', finish: 'ends' } as const
const goesOnWhen = (job: string, { on }: NeedFact) =>
  `${job} goes on when it ${on.map((each) => ON[each]).join(' or ')}`

/** How a needed job ended, where its edge asks for something else. */
export function endedOtherwise(job: Facts['job'], need: NeedFact, on: string): string | null {
  const { newest } = need
  if (!newest) return null
  const advice = need.on.includes('success')
    ? ': retry it, or push a commit that passes'
    : `, and ${goesOnWhen(job.name, need)}`
  switch (newest.state) {
    case 'failed':
    case 'errored':
      return `${on} ${newest.state}${advice}`
    case 'cancelled':
      return `${on} was cancelled${advice}`
    case 'succeeded':
    case 'skipped':
      return `${on} passed, and ${goesOnWhen(job.name, need)}`
    case 'queued':
    case 'running':
    case 'waiting':
      // Of a matrix that ended and begins anew with a retry, `how` is still known while a leg runs.
      return null
  }
}

/** What a job waits for in a needed one, which is to go on with this version; null where it has done so. */
export function needWaits(
  { job }: Pick<Facts, 'job'>,
  need: NeedFact,
  wanted: { readonly resource: string; readonly version: VersionFact },
): string | null {
  const { resource, version } = wanted
  if (need.endings.some((ending) => ownIn(ending.versions, resource)?.id === version.id)) return null
  const on = `${need.job} on ${shortName(version.name)}`
  if (!need.newest) return paused(need, `waits for ${on}, which never ran`)
  if (ownIn(need.newest.versions, resource)?.id !== version.id) return paused(need, `waits for ${on}`)
  switch (need.newest.state) {
    case 'queued':
    case 'running':
    case 'waiting':
      return paused(need, `waits for ${on}, which is ${need.newest.state}`)
    default:
      return endedOtherwise(job, need, on)
  }
}

/** What a job waits for in a needed one that has not gone on with anything yet. */
export function firstWaits({ job }: Pick<Facts, 'job'>, need: NeedFact): string {
  if (!need.newest) return paused(need, `waits for ${need.job}, which never ran`)
  const ended = endedOtherwise(job, need, need.job)
  return ended ?? paused(need, `waits for ${need.job}, which is ${need.newest.state}`)
}

const paused = ({ paused: why }: NeedFact, words: string) => (why === null ? words : `${words}; it is ${why}`)

export const joined = (names: readonly string[]): string => names.join(' and ')
