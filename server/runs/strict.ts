import type { Job } from '#pipelines/language/pipeline.ts'
import type { Edges } from '#pipelines/plan/edges.ts'

/** Whether a job, or an edge of it, waits until everything upstream is final. */
export const isStrict = (job: Job): boolean =>
  [job, ...job.gets, ...job.needs].some(({ start }) => start === 'strict')

const known = new WeakMap<Edges, Map<string, string[]>>()

/** The jobs below `job`, all the way, that wait until everything upstream is final. Worked out once for each pipeline in memory. */
export function strictBelow(edges: Edges, job: string): readonly string[] {
  const before = known.get(edges)
  if (before) return before.get(job) ?? []
  const below = new Map<string, string[]>()
  for (const { job: strict, upstream } of edges.jobs.values()) {
    if (!isStrict(strict)) continue
    for (const name of upstream) below.set(name, [...(below.get(name) ?? []), strict.name])
  }
  known.set(edges, below)
  return below.get(job) ?? []
}
