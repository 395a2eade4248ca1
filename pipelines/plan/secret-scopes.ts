import { matchesGlob } from '../language/glob.ts'
import type { LaneFact } from './facts.ts'

/**
 * What may have started a run, as secrets are narrowed by it: a push or a tag; a clock; a person; or the end of a job that it needs.
 * Pull requests are not among them: they get no secrets.
 */
export const STARTS = ['push', 'tag', 'schedule', 'manual', 'upstream'] as const
export type Start = (typeof STARTS)[number]

/** The runs that a secret is for; null means any. */
export type Scope = {
  readonly environment: string | null
  /** Globs. */
  readonly job: string | null
  readonly branch: string | null
  readonly trigger: Start | null
}
export const EVERYWHERE: Scope = { environment: null, job: null, trigger: null, branch: null }

/** One of the secrets of a name: whose it is, and what it is for. */
export type Candidate = Scope & { readonly owner: 'project' | 'organization' }

/** Where somebody asks for a secret. What is looked at outside of any run has nothing of all this. */
export type Asking = {
  readonly job: string | null
  readonly environment: string | null
  /** Null on lanes that are no branch's. */
  readonly branch: string | null
  readonly starts: readonly Start[]
}
export const OUTSIDE: Asking = { job: null, environment: null, branch: null, starts: [] }

/** The branch of a lane; null of a lane that is none's. */
export const branchOf = ({ name, kind }: Pick<LaneFact, 'name' | 'kind'>): string | null =>
  kind === 'push' ? name.replace(/^heads\//, '') : null

/** Why a secret is not for whoever asks, in words; null where it is. */
export function unmeant(scope: Scope, asking: Asking): string | null {
  const { environment, job, trigger, branch } = scope
  if (environment !== null && environment !== asking.environment)
    return `it is for the environment ${environment}, and ${said(asking.environment, 'the job names none')}`
  if (job !== null && !matches(asking.job, job))
    return `it is for the job ${job}, and ${said(asking.job, 'no job asks')}`
  if (trigger !== null && !asking.starts.includes(trigger))
    return `it is for runs started by ${trigger}, and ${said(asking.starts.join(' and ') || null, 'no such start is known')}`
  if (branch !== null && !matches(asking.branch, branch))
    return `it is for the branch ${branch}, and ${said(asking.branch, 'the lane is no branch’s')}`
  return null
}

const matches = (name: string | null, glob: string) => name !== null && matchesGlob(name, glob)
const said = (value: string | null, nothing: string) => (value === null ? nothing : `this is ${value}`)

/**
 * The order in which secrets of one name are taken, the most specific first: a project’s before its organization’s; then who
 * names an environment, a job, a trigger, a branch, in this order of weight; a name before a pattern, a longer before a shorter.
 */
export function bySpecificity(a: Candidate, b: Candidate): number {
  const [weightsA, weightsB] = [weights(a), weights(b)]
  const at = weightsA.findIndex((weight, index) => weight !== weightsB[index])
  return at < 0 ? compare(textOf(a), textOf(b)) : (weightsB[at] ?? 0) - (weightsA[at] ?? 0)
}

const weights = ({ owner, environment, job, trigger, branch }: Candidate): number[] => [
  owner === 'project' ? 1 : 0,
  environment === null ? 0 : 1,
  ofGlob(job),
  trigger === null ? 0 : 1,
  ofGlob(branch),
]
/** No name is as long as what a plain name weighs. */
const PLAIN = 1_000
const ofGlob = (glob: string | null) =>
  glob === null ? 0 : (/[*?[{!\\]/.test(glob) ? 1 : PLAIN) + Math.min(glob.length, PLAIN - 2)
/** Two patterns of one length: some order, and always the same. */
const textOf = ({ job, branch }: Candidate) => `${job ?? ''} ${branch ?? ''}`
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

export type Choice<C> = {
  readonly chosen: C | null
  /** The others of that name, each with why it is not the one. */
  readonly passedOver: readonly { readonly candidate: C; readonly because: string }[]
}

/** The one of several secrets of a name that somebody gets. */
export function chooseSecret<C extends Candidate>(candidates: readonly C[], asking: Asking): Choice<C> {
  const looked = candidates
    .toSorted(bySpecificity)
    .map((candidate) => ({ candidate, because: unmeant(candidate, asking) }))
  const chosen = looked.find(({ because }) => because === null)?.candidate ?? null
  return {
    chosen,
    passedOver: looked
      .filter(({ candidate }) => candidate !== chosen)
      .map(({ candidate, because }) => ({ candidate, because: because ?? lessThan(candidate, chosen) })),
  }
}

const lessThan = (candidate: Candidate, chosen: Candidate | null) =>
  candidate.owner === chosen?.owner ? 'a more specific one is there' : 'the project has one of its own'

/** `the organization’s, for the job deploy-* and the branch main`. */
export function scopeWords({ environment, job, trigger, branch }: Scope): string {
  const words = [
    environment === null ? [] : [`the environment ${environment}`],
    job === null ? [] : [`the job ${job}`],
    trigger === null ? [] : [`runs started by ${trigger}`],
    branch === null ? [] : [`the branch ${branch}`],
  ].flat()
  return words.length === 0 ? 'for every run' : `for ${words.join(' and ')}`
}
