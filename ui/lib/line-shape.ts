import type { Job, Pipeline, Resource } from './api.ts'

/** What a place on the line is reckoned from: a line that runs knows more of its jobs, one that is being written does not. */
export type Wired = Pick<Job, 'name' | 'gets' | 'needs' | 'puts'>
export type Named = Pick<Resource, 'name' | 'kind'>

/** What of a line decides how it is drawn: who takes what from whom. Live states are no part of it. */
export type LineShape = { readonly resources: readonly Named[]; readonly jobs: readonly Wired[] }

/** From the node `from` to the node `to`. */
export type Edge = {
  readonly key: string
  readonly from: string
  readonly to: string
  /** What the file says of it, at the job that it leads to; of a put, at the one that it comes from. */
  readonly by: 'get' | 'need' | 'put'
  /** False where a new version is taken along but starts nothing. */
  readonly trigger: boolean
  /** A put that closes a circle: what it leads to stands before where it comes from. */
  readonly isBack: boolean
}

export const resourceKey = (name: string): string => `resource:${name}`
export const jobKey = (name: string): string => `job:${name}`
export const edgeKey = (from: string, to: string): string => `${from}→${to}`

export const shapeOf = ({ jobs, resources }: LineShape): LineShape => ({
  resources: resources.map(({ name, kind }) => ({ name, kind })),
  jobs: jobs.map(({ name, gets, needs, puts }) => ({ name, gets, needs, puts })),
})

/**
 * Every need, every put, and every get that no need already brings along: `src` reaches the end of a diamond through its beginning.
 *
 * A need is left out where what the needed job puts leads to the same place: `publish → image → deploy` says what
 * `publish → deploy` beside it would say again. The get then starts what the need would have started.
 */
export function edgesOf(jobs: readonly Wired[]): Edge[] {
  const known = new Set(jobs.map((job) => job.name))
  const broughtTo = bringing(jobs)
  const taken = jobs.map((job) => {
    const brought = broughtTo(job)
    const gets = job.gets.filter((get) => !brought.has(get.resource))
    return { job, gets, needs: job.needs.filter((need) => known.has(need.job)) }
  })
  const puts = putsWith(
    jobs,
    taken.flatMap(({ job, gets, needs }) => [
      ...gets.map((get) => edge(resourceKey(get.resource), jobKey(job.name), 'get')),
      ...needs.map((need) => edge(jobKey(need.job), jobKey(job.name), 'need')),
    ]),
  )
  const onward = new Set(puts.filter(({ isBack }) => !isBack).map(({ key }) => key))
  const isPutBy = (resource: string, job: string) => onward.has(edgeKey(jobKey(job), resourceKey(resource)))
  const takes = taken.flatMap(({ job, gets, needs }) => {
    const to = jobKey(job.name)
    const got = gets.map(({ resource, trigger }) => {
      const told = needs.filter((need) => isPutBy(resource, need.job))
      const starts = told.length > 0 ? told.some((need) => need.trigger) : trigger
      return { ...edge(resourceKey(resource), to, 'get'), trigger: starts }
    })
    const untold = needs.filter((need) => !gets.some(({ resource }) => isPutBy(resource, need.job)))
    return [
      ...got,
      ...untold.map((need) => ({ ...edge(jobKey(need.job), to, 'need'), trigger: need.trigger })),
    ]
  })
  return [...takes, ...puts]
}

const edge = (from: string, to: string, by: Edge['by']): Edge => ({
  ...{ key: edgeKey(from, to), from, to, by },
  ...{ trigger: true, isBack: false },
})

/** The puts, in the order of the file: one that would close a circle with what is taken and those before it leads back. */
function putsWith(jobs: readonly Wired[], taken: readonly Edge[]): Edge[] {
  const next = new Map<string, string[]>()
  const lead = ({ from, to }: Edge) => {
    const ends = next.get(from)
    if (ends) ends.push(to)
    else next.set(from, [to])
  }
  taken.forEach(lead)
  return jobs.flatMap((job) =>
    job.puts.map((resource) => {
      const put = edge(jobKey(job.name), resourceKey(resource), 'put')
      const isBack = isBehind(put.from, put.to, next)
      if (!isBack) lead(put)
      return { ...put, isBack }
    }),
  )
}

/** Whether one comes to `wanted` from `start`. */
function isBehind(wanted: string, start: string, next: ReadonlyMap<string, readonly string[]>): boolean {
  const seen = new Set([start])
  for (const key of seen) for (const each of next.get(key) ?? []) seen.add(each)
  return seen.has(wanted)
}

/** The resources whose versions a job takes, by itself or through what it needs, in the order of the line. */
export function resourcesTaken(
  job: Job,
  { jobs, resources }: Pick<Pipeline, 'jobs' | 'resources'>,
): Resource[] {
  const brought = bringing(jobs)(job)
  return resources.filter(({ name }) => brought.has(name) || job.gets.some((get) => get.resource === name))
}

/** Tells which resources a job is brought by what it needs; what is known of a job is known of all behind it. */
function bringing(jobs: readonly Wired[]): (job: Wired) => ReadonlySet<string> {
  const named = new Map(jobs.map((job) => [job.name, job]))
  const known = new Map<string, Set<string>>()
  const broughtTo = (job: Wired): ReadonlySet<string> => {
    const before = known.get(job.name)
    if (before) return before
    const brought = new Set<string>()
    known.set(job.name, brought) // A circle cannot be checked in; should one come, it must not hang the page.
    for (const need of job.needs) {
      const upstream = named.get(need.job)
      if (!upstream) continue
      for (const get of upstream.gets) brought.add(get.resource)
      for (const resource of broughtTo(upstream)) brought.add(resource)
    }
    return brought
  }
  return broughtTo
}
