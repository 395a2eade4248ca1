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
