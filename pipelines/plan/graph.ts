import type { Pipeline } from '../language/pipeline.ts'

/** The jobs named by `needs`, job by job. */
export type NeedsGraph = ReadonlyMap<string, readonly string[]>

export const needsOf = (pipeline: Pick<Pipeline, 'jobs'>): NeedsGraph =>
  new Map(pipeline.jobs.map((job) => [job.name, job.needs.map((need) => need.job)]))

/** A circle in the graph as the path that closes it (`a`, `b`, `a`), or null. Names nobody defined are passed over. */
export function findCycle(graph: NeedsGraph): string[] | null {
  const done = new Set<string>()
  const walk = (job: string, path: readonly string[]): string[] | null => {
    const seen = path.indexOf(job)
    if (seen >= 0) return [...path.slice(seen), job]
    if (done.has(job)) return null
    for (const need of graph.get(job) ?? []) {
      const cycle = walk(need, [...path, job])
      if (cycle) return cycle
    }
    done.add(job)
    return null
  }
  for (const job of graph.keys()) {
    const cycle = walk(job, [])
    if (cycle) return cycle
  }
  return null
}

/**
 * The resources a job consumes: what it `get`s, and what it inherits from the jobs it needs, all the way up.
 *
 * @returns For each resource the directly needed jobs that vouch for its version; none means the job watches it itself.
 */
export function inputsOf(pipeline: Pipeline, jobName: string): ReadonlyMap<string, readonly string[]> {
  const jobs = new Map(pipeline.jobs.map((job) => [job.name, job]))
  const memo = new Map<string, ReadonlyMap<string, readonly string[]>>()
  const collect = (name: string): ReadonlyMap<string, readonly string[]> => {
    const known = memo.get(name)
    if (known) return known
    const inputs = new Map<string, string[]>()
    const job = jobs.get(name)
    for (const get of job?.gets ?? []) inputs.set(get.resource, [])
    for (const need of job?.needs ?? []) {
      for (const resource of collect(need.job).keys()) {
        inputs.set(resource, [...(inputs.get(resource) ?? []), need.job])
      }
    }
    memo.set(name, inputs)
    return inputs
  }
  return collect(jobName)
}

/** The jobs that wait for `jobName` to be green, directly. */
export const dependentsOf = (pipeline: Pipeline, jobName: string): readonly string[] =>
  pipeline.jobs.filter((job) => job.needs.some((need) => need.job === jobName)).map((job) => job.name)
