import type { Pipeline } from '../language/pipeline.ts'
import { allSteps } from '../language/step.ts'

/** One edge of the line: what leads to what. A dotted one hands something on and starts nothing. */
export type LineEdge = { readonly from: string; readonly to: string; readonly triggers: boolean }

/** The line as people draw it. Resources are named `name`, jobs `job:name`, so that the two never meet. */
export type LineGraph = {
  readonly resources: readonly { readonly name: string; readonly kind: string }[]
  /** Jobs by layer: each one stands behind all it needs. */
  readonly layers: readonly (readonly string[])[]
  readonly edges: readonly LineEdge[]
}

export const jobNode = (name: string): string => `job:${name}`

/** The graph of a pipeline that has no circles. */
export function lineGraph({ resources, jobs }: Pipeline): LineGraph {
  const edges = jobs.flatMap((job) => [
    ...job.gets.map((get) => ({ from: get.resource, to: jobNode(job.name), triggers: get.trigger })),
    ...job.needs.map((need) => ({ from: jobNode(need.job), to: jobNode(job.name), triggers: need.trigger })),
    ...allSteps(job.steps).flatMap((step) =>
      step.kind === 'put' ? [{ from: jobNode(job.name), to: step.resource, triggers: true }] : [],
    ),
  ])
  return { resources: resources.map(({ name, kind }) => ({ name, kind })), layers: layersOf(jobs), edges }
}

function layersOf(jobs: Pipeline['jobs']): string[][] {
  const byName = new Map(jobs.map((job) => [job.name, job]))
  const depths = new Map<string, number>()
  const depthOf = (name: string): number => {
    const known = depths.get(name)
    if (known !== undefined) return known
    const needs = byName.get(name)?.needs ?? []
    const depth = needs.reduce((most, need) => Math.max(most, depthOf(need.job) + 1), 0)
    depths.set(name, depth)
    return depth
  }
  const layers: string[][] = []
  for (const { name } of jobs) (layers[depthOf(name)] ??= []).push(name)
  return layers
}
