import type { Job, Pipeline } from '../language/pipeline.ts'
import { putsOf, touchedBy } from './edges.ts'
import { secretNames } from './secrets-in.ts'

/** A fork's file as it is run, and the jobs that are not as it says: those of the target, and those that are left out. */
export type Guarded = {
  readonly pipeline: Pipeline
  readonly taken: readonly string[]
  readonly dropped: readonly string[]
}

/**
 * What a pull request from a fork may say of the line: everything but jobs with secrets, with a token of their own or with an
 * environment. Those are as the branch that it wants to go to has them, and so are the environments and what such jobs get and
 * put, with its types. What the target does not have like that, and what needs it, is left out; and so is what gets a state that is not the pull
 * request's own: trusted lanes remember what is no business of a fork's code.
 *
 * @param remembering  What the line ever called a state, whether a file still names it or not.
 */
export function guardFork(head: Pipeline, target: Pipeline, remembering: Iterable<string> = []): Guarded {
  const guarded = new Set(
    [head, target].flatMap((file) => file.jobs.filter((job) => isGuarded(job, file)).map(({ name }) => name)),
  )
  const taken = target.jobs.filter(({ name }) => guarded.has(name))
  const touched = new Set(taken.flatMap((job) => [...touchedBy(job)]))
  const resources = overlaid(head.resources, target.resources, touched)
  const types = new Set(
    resources.flatMap((each) => (each.kind === 'custom' && touched.has(each.name) ? [each.type] : [])),
  )
  const resourceTypes = overlaid(head.resourceTypes, target.resourceTypes, types)
  const jobs = head.jobs.flatMap((job) =>
    guarded.has(job.name) ? taken.filter(({ name }) => name === job.name) : [job],
  )
  const left = withoutForeignState(withoutGaps(jobs), new Set([...statesIn(head, target), ...remembering]))
  const names = new Set(left.map(({ name }) => name))
  return {
    pipeline: { ...head, resources, resourceTypes, environments: target.environments, jobs: left },
    taken: taken.flatMap(({ name }) => (names.has(name) ? [name] : [])),
    dropped: head.jobs.flatMap(({ name }) => (names.has(name) ? [] : [name])),
  }
}

/** What the fork names, those of `names` as the target has them, and what of those the fork leaves out. */
function overlaid<T extends { readonly name: string }>(
  own: readonly T[],
  theirs: readonly T[],
  names: ReadonlySet<string>,
): T[] {
  const guarded = theirs.filter(({ name }) => names.has(name))
  const left = guarded.filter(({ name }) => !own.some((each) => each.name === name))
  return [...own.map((each) => guarded.find(({ name }) => name === each.name) ?? each), ...left]
}

const isGuarded = (job: Job, file: Pipeline): boolean =>
  job.environment !== null || (job.idToken ?? null) !== null || secretNames(job, file).length > 0

/** The jobs of which everything that they need is there, too. */
function withoutGaps(jobs: readonly Job[]): readonly Job[] {
  const names = new Set(jobs.map(({ name }) => name))
  const left = jobs.filter(({ needs }) => needs.every(({ job }) => names.has(job)))
  return left.length === jobs.length ? jobs : withoutGaps(left)
}

/** What either file calls a state: another word for it in the fork's does not open it. */
const statesIn = (...files: readonly Pipeline[]): readonly string[] =>
  files.flatMap(({ resources }) => resources.flatMap(({ name, kind }) => (kind === 'state' ? [name] : [])))

/** What no job on the lane puts comes from outside the lane. One that is left out may be the one that put. */
function withoutForeignState(jobs: readonly Job[], states: ReadonlySet<string>): readonly Job[] {
  const own = new Set(jobs.flatMap(putsOf))
  const left = withoutGaps(
    jobs.filter((job) => ![...touchedBy(job)].some((name) => states.has(name) && !own.has(name))),
  )
  return left.length === jobs.length ? jobs : withoutForeignState(left, states)
}
