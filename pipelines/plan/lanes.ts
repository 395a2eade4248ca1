import { globList } from '../language/glob.ts'
import type { Pipeline, Triggers } from '../language/pipeline.ts'
import type { GitResource } from '../language/resource.ts'
import { followsLane, isGit } from '../language/resource.ts'
import type { LaneFact } from './facts.ts'

const BRANCH = 'refs/heads/'
const TAG = 'refs/tags/'
const PULL = /^refs\/pull\/(\d{1,15})\/head$/
/**
 * Branches named like another kind of lane: on a lane of that name they would pass for a pull request or a tag. A regular
 * expression that PostgreSQL reads as we do.
 */
export const LIKE_ANOTHER = '^(?:pr|tag|heads)/'
const likeAnother = new RegExp(LIKE_ANOTHER)

/** The lane of a branch: mostly its own name. */
export const laneOfBranch = (name: string): string => (likeAnother.test(name) ? `heads/${name}` : name)

/** The branch of a lane of pushes: `laneOfBranch` backwards. */
export const branchOfLane = (lane: string): string =>
  lane.startsWith('heads/') ? lane.slice('heads/'.length) : lane

/**
 * The lane a git ref's commits belong to: `main`, `release/1`, `tag/v1.2`, `pr/12`; null for a ref that makes no lane. No two
 * refs share a lane, and no branch gets the lane of another kind: `refs/heads/pr/12` belongs to `heads/pr/12`.
 */
export function laneOf(ref: string): string | null {
  if (ref.startsWith(BRANCH)) return laneOfBranch(ref.slice(BRANCH.length))
  if (ref.startsWith(TAG)) return `tag/${ref.slice(TAG.length)}`
  const number = pullNumberOf(ref)
  return number === null ? null : `pr/${number}`
}

/** What kind of lane a ref's commits belong to. */
export function laneKindOf(ref: string): LaneFact['kind'] {
  if (ref.startsWith(TAG)) return 'tag'
  return PULL.test(ref) ? 'pull_request' : 'push'
}

/** The number of the pull request whose commits a ref holds; null for any other ref. */
export const pullNumberOf = (ref: string): string | null => PULL.exec(ref)?.[1] ?? null

/**
 * Whether a pipeline listens to a branch or tag.
 *
 * @returns Null when it does, else the reason it does not, in words.
 */
export function laneRefusal(ref: string, triggers: Pick<Triggers, 'push' | 'tag'>): string | null {
  return ref.startsWith(TAG)
    ? unheard('tag', ref.slice(TAG.length), triggers.tag)
    : unheard('push', ref.slice(BRANCH.length), triggers.push)
}

function unheard(key: string, name: string, patterns: readonly string[]): string | null {
  if (globList(patterns)(name)) return null
  const listens = patterns.length === 0 ? 'listens to none' : `listens to ${patterns.join(', ')}`
  return `\`triggers.${key}\` does not match \`${name}\`: the pipeline ${listens}`
}

/** What a forge says of a pull request, as far as it decides whether it becomes a version. */
export type PullFact = {
  /** The branch it is to be merged into. */
  readonly base: string
  readonly draft: boolean
  readonly labels: readonly string[]
  /** Its commits lie in another repository, where others write. */
  readonly fork: boolean
  /**
   * What the forge says of its author here: a `writer` could push to the repository as well, and only his own fork's commits count
   * as his; a `contributor` had something merged before. Left out for everybody else.
   */
  readonly known?: 'writer' | 'contributor' | undefined
}

/** Whether a pipeline listens to a pull request. @returns Null when it does, else the reason it does not, in words. */
export function pullRefusal(pull: PullFact, { pullRequest }: Pick<Triggers, 'pullRequest'>): string | null {
  const { branches, drafts, labels, forks } = pullRequest
  const otherBase = unheard('pull_request', pull.base, branches)
  if (otherBase) return otherBase
  if (pull.fork && forks === 'ignore') return 'comes from a fork: `triggers.pull_request.forks` says ignore'
  if (pull.draft && !drafts) return 'is a draft: `triggers.pull_request.drafts` is false'
  if (labels.length > 0 && !labels.some((label) => pull.labels.includes(label)))
    return `has none of the labels ${labels.join(', ')}`
  return null
}

/** Whether somebody is asked before a pull request that a pipeline listens to may run: about each commit anew. */
export function asksFirst(
  { fork, known }: Pick<PullFact, 'fork' | 'known'>,
  { pullRequest: { forks } }: Pick<Triggers, 'pullRequest'>,
): boolean {
  if (!fork || forks === 'allow' || known === 'writer') return false
  return !(forks === 'first_time' && known === 'contributor')
}

/** A commit that is to become a version: its message, and the paths it changed; null where they are not known. */
export type CommitFact = {
  readonly ref: string
  readonly message: string
  readonly changed: readonly string[] | null
}

/**
 * Whether a commit of a lane the pipeline listens to, or of a branch that a resource names, becomes a version of a resource. Paths
 * that are not known match. The paths of `triggers` are about commits of lanes.
 *
 * @returns Null when it does, else the reason it is passed over, in words.
 */
export function commitRefusal(
  { ref, message, changed }: CommitFact,
  triggers: Triggers,
  resource: Pick<GitResource, 'name' | 'repository' | 'branch' | 'paths'>,
): string | null {
  const none = untouched(resource.paths, changed)
  if (none) return `paths filter of ${resource.name}: ${none}`
  if (resource.repository !== '.') return null
  const said = triggers.skip.messages.find((words) => message.includes(words))
  if (said !== undefined) return `its message says \`${said}\``
  if (!followsLane(resource)) return null
  const outside = untouched(pathsOf(ref, triggers), changed) ?? onlyTouched(triggers.skip.paths, changed)
  return outside && `paths filter: ${outside}`
}

const PATHS_OF = {
  push: (triggers: Triggers) => triggers.pushPaths,
  pull_request: (triggers: Triggers) => triggers.pullRequest.paths,
  tag: () => [],
}
const pathsOf = (ref: string, triggers: Triggers) => PATHS_OF[laneKindOf(ref)](triggers)

function untouched(patterns: readonly string[], changed: readonly string[] | null): string | null {
  if (patterns.length === 0 || changed === null || changed.some(globList(patterns))) return null
  return `touches none of ${patterns.join(', ')}`
}

/** A commit that touches nothing at all does not touch only these: people push empty ones to start something. */
function onlyTouched(patterns: readonly string[], changed: readonly string[] | null): string | null {
  if (patterns.length === 0 || !changed || changed.length === 0) return null
  return changed.every(globList(patterns)) ? `touches only ${patterns.join(', ')}` : null
}

/** Whether anything in the file depends on the paths that a commit changed. */
export const asksForPaths = ({ triggers, resources, jobs }: Pipeline): boolean =>
  [
    triggers.pushPaths,
    triggers.pullRequest.paths,
    triggers.skip.paths,
    ...resources.filter(isGit).map((resource) => resource.paths),
    ...jobs.map((job) => job.paths),
  ].some((paths) => paths.length > 0)
