import dagre from '@dagrejs/dagre'
import type { Job, Pipeline, Resource } from './api.ts'

/** What a place on the line is reckoned from: a line that runs knows more of its jobs, one that is being written does not. */
export type Wired = Pick<Job, 'name' | 'gets' | 'needs'>
type Named = Pick<Resource, 'name'>

/** A pipeline laid out from left to right: where every resource and job stands, and the curves between them. */
export type LineGraph<R extends Named = Resource, J extends Wired = Job> = {
  readonly width: number
  readonly height: number
  readonly resources: readonly (Spot & { readonly resource: R })[]
  readonly jobs: readonly (Spot & { readonly job: J })[]
  readonly links: readonly Link[]
}

/** The top left corner and size of a node, in pixels. */
export type Spot = {
  readonly key: string
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export type Link = {
  readonly key: string
  readonly from: string
  readonly to: string
  /** False where a new version is taken along but starts nothing. */
  readonly trigger: boolean
  readonly path: string
}

type Edge = Omit<Link, 'path'>
type Point = { readonly x: number; readonly y: number }

const JOB = { width: 190, height: 80 }
const RESOURCE = { width: 156, height: 58 }
const MARGIN = 12

export const resourceKey = (name: string): string => `resource:${name}`
export const jobKey = (name: string): string => `job:${name}`

export function layOut<R extends Named, J extends Wired>(pipeline: {
  readonly jobs: readonly J[]
  readonly resources: readonly R[]
}): LineGraph<R, J> {
  const edges = edgesOf(pipeline.jobs)
  const shown = pipeline.resources.filter((resource) =>
    edges.some((edge) => edge.from === resourceKey(resource.name)),
  )
  const graph = new dagre.graphlib.Graph()
  graph.setGraph({ rankdir: 'LR', nodesep: 22, edgesep: 16, ranksep: 50, marginx: MARGIN, marginy: MARGIN })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const { name } of shown) graph.setNode(resourceKey(name), { ...RESOURCE })
  for (const { name } of pipeline.jobs) graph.setNode(jobKey(name), { ...JOB })
  const columns = columnsOf(edges)
  const column = (key: string) => columns.get(key) ?? 0
  for (const { from, to } of edges)
    graph.setEdge(from, to, { minlen: Math.max(1, column(to) - column(from)) })
  dagre.layout(graph)
  const spot = (key: string): Spot => {
    const { x, y, width, height } = graph.node(key)
    return { key, x: x - width / 2, y: y - height / 2, width, height }
  }
  const { width = 0, height = 0 } = graph.graph()
  return {
    width,
    height,
    resources: shown.map((resource) => ({ ...spot(resourceKey(resource.name)), resource })),
    jobs: pipeline.jobs.map((job) => ({ ...spot(jobKey(job.name)), job })),
    links: edges.map((edge) => {
      const bends: Point[] = graph.edge(edge.from, edge.to).points
      return { ...edge, path: curve(spot(edge.from), bends, spot(edge.to)) }
    }),
  }
}

/** Every need, and every get that no need already brings along: `src` reaches the end of a diamond through its beginning. */
function edgesOf(jobs: readonly Wired[]): Edge[] {
  const known = new Set(jobs.map((job) => job.name))
  return jobs.flatMap((job) => {
    const brought = resourcesBroughtTo(job, jobs)
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
function columnsOf(edges: readonly Edge[]): Map<string, number> {
  const columns = new Map<string, number>()
  const columnOf = (key: string): number => {
    const known = columns.get(key)
    if (known !== undefined) return known
    columns.set(key, 1) // A circle cannot be checked in; should one come, it must not hang the page.
    const before = edges.filter((edge) => edge.to === key && edge.from.startsWith('job:'))
    const column = Math.max(1, ...before.map((edge) => columnOf(edge.from) + 1))
    columns.set(key, column)
    return column
  }
  for (const { to } of edges) columnOf(to)
  for (const { from } of edges.filter((edge) => edge.from.startsWith('resource:'))) {
    const got = edges.filter((edge) => edge.from === from).map((edge) => columnOf(edge.to))
    columns.set(from, Math.min(...got) - 1)
  }
  return columns
}

/** The resources whose versions a job takes, by itself or through what it needs, in the order of the line. */
export function resourcesTaken(
  job: Job,
  { jobs, resources }: Pick<Pipeline, 'jobs' | 'resources'>,
): Resource[] {
  const brought = resourcesBroughtTo(job, jobs)
  return resources.filter(({ name }) => brought.has(name) || job.gets.some((get) => get.resource === name))
}

function resourcesBroughtTo(job: Wired, jobs: readonly Wired[]): Set<string> {
  const brought = new Set<string>()
  const seen = new Set<string>([job.name])
  const upstream = job.needs.map((need) => need.job)
  for (const name of upstream) {
    if (seen.has(name)) continue
    seen.add(name)
    const found = jobs.find((candidate) => candidate.name === name)
    for (const get of found?.gets ?? []) brought.add(get.resource)
    for (const need of found?.needs ?? []) upstream.push(need.job)
  }
  return brought
}

/** Between two columns a soft S; across a column in between, a straight lane beside its nodes. */
function curve(from: Spot, bends: readonly Point[], to: Spot): string {
  const start = { x: from.x + from.width, y: from.y + from.height / 2 }
  const end = { x: to.x, y: to.y + to.height / 2 }
  const lanes = bends
    .slice(1, -1)
    .filter((bend) => bend.x > start.x + JOB.width / 2 && bend.x < end.x - JOB.width / 2)
  const half = JOB.width / 2
  let at = start
  let path = `M${point(start)}`
  for (const lane of lanes) {
    path += `${soft(at, { x: lane.x - half, y: lane.y })}H${round(lane.x + half)}`
    at = { x: lane.x + half, y: lane.y }
  }
  return path + soft(at, end)
}

function soft(from: Point, to: Point): string {
  const middle = (from.x + to.x) / 2
  return `C${point({ x: middle, y: from.y })} ${point({ x: middle, y: to.y })} ${point(to)}`
}

const round = (value: number) => Math.round(value * 10) / 10
const point = ({ x, y }: Point) => `${round(x)},${round(y)}`
