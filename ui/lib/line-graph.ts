import dagre from '@dagrejs/dagre'
import { columnsOf } from './line-columns.ts'
import {
  type Edge,
  edgesOf,
  jobKey,
  type LineShape,
  type Named,
  resourceKey,
  type Wired,
} from './line-shape.ts'

/** A line laid out from left to right: where every resource and job stands, and the curves between them. */
export type LineGraph = {
  readonly width: number
  readonly height: number
  readonly resources: readonly (Spot & { readonly resource: Named })[]
  readonly jobs: readonly (Spot & { readonly job: Wired })[]
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

export function layOut(shape: LineShape): LineGraph {
  const edges = edgesOf(shape.jobs)
  const ends = new Set(edges.flatMap(({ from, to }) => [from, to]))
  const shown = shape.resources.filter(({ name }) => ends.has(resourceKey(name)))
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
  for (const edge of edges) {
    const [left, right] = eastward(edge)
    graph.setEdge(left, right, { minlen: Math.max(1, column(right) - column(left)) })
  }
  dagre.layout(graph)
  const spot = (key: string): Spot => {
    const { x, y, width, height } = graph.node(key)
    return { key, x: x - width / 2, y: y - height / 2, width, height }
  }
  const resources = shown.map((resource) => ({ ...spot(resourceKey(resource.name)), resource }))
  const jobs = shape.jobs.map((job) => ({ ...spot(jobKey(job.name)), job }))
  const spots = new Map<string, Spot>([...resources, ...jobs].map((one) => [one.key, one]))
  const links = edges.flatMap((edge) => {
    const [left, right] = eastward(edge)
    const bends: Point[] = graph.edge(left, right).points
    const [from, to] = [spots.get(edge.from), spots.get(edge.to)]
    if (!from || !to) return []
    return [{ ...edge, path: edge.isBack ? wayBack(from, bends, to) : curve(from, bends, to) }]
  })
  const { width = 0, height = 0 } = graph.graph()
  return { width, height, resources, jobs, links }
}

/** The ends of an edge as they stand from left to right. What leads back has the room of an edge the other way. */
const eastward = ({ from, to, isBack }: Edge): readonly [string, string] => (isBack ? [to, from] : [from, to])

function curve(from: Spot, bends: readonly Point[], to: Spot): string {
  const start = { x: from.x + from.width, y: from.y + from.height / 2 }
  return strung(start, bends, { x: to.x, y: to.y + to.height / 2 })
}

/** So far below the middle: a job that gets what it puts has one line to it, and one from it, beside each other. */
const BELOW = 12
const HEAD = { length: 7, half: 4.5 }

/** From the left of a job back to the right of a resource, with a head: all other lines are read from left to right. */
function wayBack(from: Spot, bends: readonly Point[], to: Spot): string {
  const start = { x: from.x, y: from.y + from.height / 2 + BELOW }
  const end = { x: to.x + to.width, y: to.y + to.height / 2 + BELOW }
  const lower = bends.toReversed().map(({ x, y }) => ({ x, y: y + BELOW }))
  const wing = (half: number) => point({ x: end.x + HEAD.length, y: end.y + half })
  return `${strung(start, lower, end)}M${wing(-HEAD.half)}L${point(end)}L${wing(HEAD.half)}`
}

/** Between two columns a soft S; across a column in between, a straight lane beside its nodes. */
function strung(start: Point, bends: readonly Point[], end: Point): string {
  const half = Math.sign(end.x - start.x) * (JOB.width / 2)
  const [left, right] = [Math.min(start.x, end.x), Math.max(start.x, end.x)]
  const lanes = bends
    .slice(1, -1)
    .filter((bend) => bend.x > left + JOB.width / 2 && bend.x < right - JOB.width / 2)
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
