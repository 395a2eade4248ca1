import dagre from '@dagrejs/dagre'
import { columnsOf, type Edge, edgesOf, jobKey, type Named, resourceKey, type Wired } from './line-shape.ts'

/** A line laid out from left to right: where every resource and job stands, and the curves between them. */
export type LineGraph<R extends Named = Named, J extends Wired = Wired> = {
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

export type Link = Edge & { readonly path: string }

type Point = { readonly x: number; readonly y: number }

const JOB = { width: 206, height: 80 }
const RESOURCE = { width: 156, height: 58 }
const MARGIN = 12

export function layOut<R extends Named, J extends Wired>(shape: {
  readonly jobs: readonly J[]
  readonly resources: readonly R[]
}): LineGraph<R, J> {
  const edges = edgesOf(shape.jobs)
  const begins = new Set(edges.map(({ from }) => from))
  const shown = shape.resources.filter(({ name }) => begins.has(resourceKey(name)))
  const graph = new dagre.graphlib.Graph()
  graph.setGraph({
    ...{ rankdir: 'LR', nodesep: 22, edgesep: 16, ranksep: 50, marginx: MARGIN, marginy: MARGIN },
    // The columns are known; a tree of tight edges finds them in a tenth of the time.
    ranker: 'tight-tree',
  })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const { name } of shown) graph.setNode(resourceKey(name), { ...RESOURCE })
  for (const { name } of shape.jobs) graph.setNode(jobKey(name), { ...JOB })
  const columns = columnsOf(edges)
  const column = (key: string) => columns.get(key) ?? 0
  for (const { from, to } of edges)
    graph.setEdge(from, to, { minlen: Math.max(1, column(to) - column(from)) })
  dagre.layout(graph)
  const spot = (key: string): Spot => {
    const { x, y, width, height } = graph.node(key)
    return { key, x: x - width / 2, y: y - height / 2, width, height }
  }
  const resources = shown.map((resource) => ({ ...spot(resourceKey(resource.name)), resource }))
  const jobs = shape.jobs.map((job) => ({ ...spot(jobKey(job.name)), job }))
  const spots = new Map<string, Spot>([...resources, ...jobs].map((one) => [one.key, one]))
  const links = edges.flatMap((edge) => {
    const bends: Point[] = graph.edge(edge.from, edge.to).points
    const [from, to] = [spots.get(edge.from), spots.get(edge.to)]
    return from && to ? [{ ...edge, path: curve(from, bends, to) }] : []
  })
  const { width = 0, height = 0 } = graph.graph()
  return { width, height, resources, jobs, links }
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
