import type { Job, Pipeline, Resource } from './api.ts'

/** What a place on the line is reckoned from: a line that runs knows more of its jobs, one that is being written does not. */
export type Wired = Pick<Job, 'name' | 'gets' | 'needs'>
export type Named = Pick<Resource, 'name'>

/** What of a line decides how it is drawn: who takes what from whom. Live states are no part of it. */
export type LineShape = { readonly resources: readonly Named[]; readonly jobs: readonly Wired[] }

/** From the node `from` to the node `to`. */
export type Edge = {
  readonly key: string
  readonly from: string
  readonly to: string
  /** False where a new version is taken along but starts nothing. */
  readonly trigger: boolean
}

export const resourceKey = (name: string): string => `resource:${name}`
export const jobKey = (name: string): string => `job:${name}`

export const shapeOf = ({ jobs, resources }: Pick<Pipeline, 'jobs' | 'resources'>): LineShape => ({
  resources: resources.map(({ name }) => ({ name })),
  jobs: jobs.map(({ name, gets, needs }) => ({ name, gets, needs })),
})

/** Every need, and every get that no need already brings along: `src` reaches the end of a diamond through its beginning. */
export function edgesOf(jobs: readonly Wired[]): Edge[] {
  const known = new Set(jobs.map((job) => job.name))
  const broughtTo = bringing(jobs)
  return jobs.flatMap((job) => {
    const brought = broughtTo(job)
    const gets = job.gets.filter((get) => !brought.has(get.resource))
    const needs = job.needs.filter((need) => known.has(need.job))
    return [
      ...gets.map((get) => edge(resourceKey(get.resource), job, get.trigger)),
      ...needs.map((need) => edge(jobKey(need.job), job, need.trigger)),
    ]
  })
}

const edge = (from: string, job: Wired, trigger: boolean): Edge => ({
  key: `${from}→${job.name}`,
  from,
  to: jobKey(job.name),
  trigger,
})

/** A job stands as far left as its needs allow, a resource right before the first job that gets it. */
export function columnsOf(edges: readonly Edge[]): Map<string, number> {
  const columns = new Map<string, number>()
  const into = Map.groupBy(edges, ({ to }) => to)
  const columnOf = (key: string): number => {
    const known = columns.get(key)
    if (known !== undefined) return known
    columns.set(key, 1) // A circle cannot be checked in; should one come, it must not hang the page.
    const before = (into.get(key) ?? []).filter(({ from }) => from.startsWith('job:'))
    const column = Math.max(1, ...before.map((edge) => columnOf(edge.from) + 1))
    columns.set(key, column)
    return column
  }
  for (const { to } of edges) columnOf(to)
  for (const [from, begun] of Map.groupBy(edges, (edge) => edge.from))
    if (from.startsWith('resource:'))
      columns.set(from, Math.min(...begun.map((edge) => columnOf(edge.to))) - 1)
  return columns
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
