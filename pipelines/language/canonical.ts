import type { Pipeline } from './pipeline.ts'

/**
 * A pipeline as one text that is the same however its file was written: with short forms or long ones, as YAML, JSON or built by
 * a program, its keys in any order. Its hash tells whether two files are the same plan.
 *
 * Lists keep their order, resources among them: the first git resource is what jobs watch when they name none.
 */
export function canonical(pipeline: Pipeline): string {
  const byName = <Part extends { readonly name: string }>(parts: readonly Part[]) =>
    parts.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const jobs = byName(pipeline.jobs).map((job) => ({
    ...job,
    services: byName(job.services),
    cache: byName(job.cache),
  }))
  const environments = byName(pipeline.environments).map((each) => ({ ...each, modify: byName(each.modify) }))
  const resourceTypes = byName(pipeline.resourceTypes)
  return JSON.stringify(sorted({ ...pipeline, jobs, environments, resourceTypes }))
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]))
}
