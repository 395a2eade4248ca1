import { touchedBy } from '../../plan/edges.ts'
import { error, type Finding, keyAt, type Place } from '../diagnostic.ts'
import type { Normal } from '../normal/normalise.ts'
import type { Job, Pipeline } from '../pipeline.ts'
import { NAME } from '../shape/scalars.ts'
import { type Step, stepsIn } from '../step.ts'
import { hintFor } from '../suggest.ts'

/** What the checks look at: the pipeline in its one form, where its parts were written, and the file as it was written. */
export type World = Normal & { readonly tree: unknown }

export const placeOf = ({ places }: World, part: object): Place => places.get(part) ?? keyAt()

export type Named = { readonly name: string; readonly place: Place }
/** A finding for each name that is not among those that are known. */
export const unknownNames = (what: string, named: readonly Named[], known: readonly string[]): Finding[] =>
  named
    .filter(({ name }) => NAME.test(name) && !known.includes(name))
    .map(({ name, place }) =>
      error('unknown-name', place, `there is no ${what} \`${name}\``, hintFor(name, known)),
    )

export const below = (place: Place, ...more: Place['path']): Place => ({
  path: [...place.path, ...more],
  at: 'value',
})

/** The resources whose versions a step reads or writes. */
export const resourceOfStep = (step: Step): string | null => {
  if (step.kind === 'get' || step.kind === 'put') return step.resource
  return step.kind === 'wait' && step.wait.for === 'event' ? step.wait.resource : null
}

/**
 * The resources whose versions are known in each job: what it gets, waits for and puts, and what the jobs it needs got and put,
 * all the way up. What was waited for is known in its job alone.
 */
export function resourcesKnown({ jobs }: Pick<Pipeline, 'jobs'>): ReadonlyMap<string, ReadonlySet<string>> {
  const known = gathered(jobs, (job) => [...touchedBy(job)])
  const waited = (job: Job) =>
    stepsIn(job).flatMap((step) => (step.kind === 'wait' ? (resourceOfStep(step) ?? []) : []))
  return new Map(jobs.map((job) => [job.name, new Set([...(known.get(job.name) ?? []), ...waited(job)])]))
}

/** For each job the jobs before it, all the way up, itself included. */
export const jobsBefore = ({ jobs }: Pick<Pipeline, 'jobs'>): ReadonlyMap<string, ReadonlySet<string>> =>
  gathered(jobs, (job) => [job.name])

/** What each job has of its own together with what the jobs it needs have. A circle is passed over; cycles.ts tells of it. */
function gathered(
  jobs: readonly Job[],
  own: (job: Job) => readonly string[],
): ReadonlyMap<string, ReadonlySet<string>> {
  const byName = new Map(jobs.map((job) => [job.name, job]))
  const done = new Map<string, Set<string>>()
  const walk = (name: string): ReadonlySet<string> => {
    const known = done.get(name)
    if (known) return known
    const job = byName.get(name)
    const found = new Set<string>(job ? own(job) : [])
    done.set(name, found)
    for (const need of job?.needs ?? []) for (const each of walk(need.job)) found.add(each)
    return found
  }
  for (const job of jobs) walk(job.name)
  return done
}
