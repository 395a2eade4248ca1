import type { Job, Pipeline } from '../language/pipeline.ts'
import { followsLane, isGit } from '../language/resource.ts'
import { stepsIn } from '../language/step.ts'
import type { InputFact, NeedFact } from './facts.ts'

/** What a file says of one resource that a job consumes. */
export type InputEdge = Pick<InputFact, 'resource' | 'kind' | 'get' | 'via' | 'from'> & {
  /**
   * Whether every lane reads the same stream of it: it comes from outside the lane (another repository, or a branch that is named)
   * and nothing here puts it. Its versions belong to the default branch's lane, and start jobs only there.
   */
  readonly shared: boolean
  /** Whether some job puts it: a run that was passed through holds none, where any other edge hands one on. */
  readonly isPut: boolean
  /** The version that the file pins it to. */
  readonly pin: string | null
}
export type NeedEdge = Pick<NeedFact, 'job' | 'trigger' | 'on' | 'versions' | 'start' | 'carries'>

/** The edges of one job, as its file spells them out. */
export type JobEdges = {
  readonly job: Job
  /** In the order in which the file declares the resources. */
  readonly inputs: readonly InputEdge[]
  /** In the order of the file. */
  readonly needs: readonly NeedEdge[]
  /**
   * The jobs whose runs a `strict` start waits for: upstream by edges that trigger, all the way. A job that is downstream as well
   * (each puts what the other gets) is not among them: two would wait for each other for ever.
   */
  readonly upstream: readonly string[]
  /** The jobs that put what this job gets. */
  readonly producers: readonly { readonly job: string; readonly resource: string }[]
  /** The jobs one edge away, up or down: those that a `chrono` start does not run beside. */
  readonly neighbours: readonly string[]
}

/** The edges of a whole pipeline. */
export type Edges = {
  readonly jobs: ReadonlyMap<string, JobEdges>
  /** The jobs that a new version of a resource starts. */
  readonly startedByVersion: ReadonlyMap<string, readonly string[]>
  /** The jobs that an ending of a job starts. */
  readonly startedByEnding: ReadonlyMap<string, readonly string[]>
  /** The jobs that an ending does not start, and may be what a trigger of theirs still lacks. */
  readonly suppliedByEnding: ReadonlyMap<string, readonly string[]>
  /** The jobs that a version does not start, everywhere at least, and may be what a trigger of theirs still lacks. */
  readonly suppliedByVersion: ReadonlyMap<string, readonly string[]>
  /** Whether some job puts a resource: then every lane has versions of its own. */
  readonly isPut: (resource: string) => boolean
}

const known = new WeakMap<Pipeline, Edges>()

/** The edges of a pipeline without circles. Worked out once for each pipeline that is held in memory. */
export function edgesOf(pipeline: Pipeline): Edges {
  const before = known.get(pipeline)
  if (before) return before
  const edges = spellOut(pipeline)
  known.set(pipeline, edges)
  return edges
}

/** Everything that is looked up by name more than once. */
type Line = {
  readonly pipeline: Pipeline
  readonly byName: ReadonlyMap<string, Job>
  readonly producers: ReadonlyMap<string, readonly string[]>
  readonly handsOn: Map<string, ReadonlySet<string>>
  /** Job by job, those one edge that triggers before it, and those one after it. */
  readonly before: ReadonlyMap<string, readonly string[]>
  readonly behind: ReadonlyMap<string, readonly string[]>
  readonly dependents: ReadonlyMap<string, readonly string[]>
}

function spellOut(pipeline: Pipeline): Edges {
  const producers = producersOf(pipeline)
  const before = new Map(pipeline.jobs.map((job) => [job.name, startersOf(job, producers)]))
  const line: Line = {
    pipeline,
    byName: new Map(pipeline.jobs.map((job) => [job.name, job])),
    producers,
    handsOn: new Map(),
    before,
    behind: inverted(before),
    dependents: inverted(pipeline.jobs.map((job) => [job.name, job.needs.map((need) => need.job)])),
  }
  const jobs = new Map(pipeline.jobs.map((job) => [job.name, edgesOfJob(job, line)]))
  const all = [...jobs.values()]
  return {
    jobs,
    startedByVersion: inverted(
      all.map(({ job, inputs }) => [
        job.name,
        inputs.filter(startsByVersion).map(({ resource }) => resource),
      ]),
    ),
    startedByEnding: inverted(
      all.map(({ job, needs }) => [job.name, needs.filter(({ trigger }) => trigger).map((need) => need.job)]),
    ),
    suppliedByEnding: inverted(
      all.map(({ job, needs }) => [
        job.name,
        needs.filter(({ trigger }) => !trigger).map((need) => need.job),
      ]),
    ),
    suppliedByVersion: inverted(
      all.map(({ job, inputs }) => [job.name, inputs.filter(suppliesOnly).map(({ resource }) => resource)]),
    ),
    isPut: (resource) => producers.has(resource),
  }
}

/** A version that comes without starting the job, on every lane but the one it belongs to at least. */
const suppliesOnly = ({ get, via, shared }: InputEdge) =>
  get !== null && via.length === 0 && (!get.trigger || shared)

/** Whether what a job waits for may come by an edge that does not start it. */
export const isSuppliedQuietly = ({ inputs, needs }: JobEdges): boolean =>
  needs.some(({ trigger }) => !trigger) || inputs.some(suppliesOnly)

/** A version that a needed job has to turn green first starts nothing by itself; `immediate` asks no neighbour. */
const startsByVersion = ({ get, via }: InputEdge) =>
  get !== null && get.trigger && (via.length === 0 || get.start === 'immediate')

function inverted(
  entries: Iterable<readonly [string, readonly string[]]>,
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>()
  for (const [name, others] of entries)
    for (const other of others) {
      const names = found.get(other)
      if (names) names.push(name)
      else found.set(other, [name])
    }
  return found
}

/** The resources that a job puts. */
export const putsOf = (job: Job): string[] => [
  ...new Set(stepsIn(job).flatMap((step) => (step.kind === 'put' ? [step.resource] : []))),
]

/** The resources whose versions a job reads or writes: what it gets, and what its steps get and put. */
export const touchedBy = (job: Job): ReadonlySet<string> =>
  new Set([
    ...job.gets.map(({ resource }) => resource),
    ...stepsIn(job).flatMap((step) => (step.kind === 'get' || step.kind === 'put' ? [step.resource] : [])),
  ])

/** Resource by resource, the jobs that put it. */
export const producersOf = ({ jobs }: Pick<Pipeline, 'jobs'>): ReadonlyMap<string, readonly string[]> =>
  inverted(jobs.map((job) => [job.name, putsOf(job)]))

/** The resources whose versions a run of a job vouches for: what it gets, what it puts, and what the jobs it needs vouch for. */
function handedOnBy(name: string, line: Line): ReadonlySet<string> {
  const before = line.handsOn.get(name)
  if (before) return before
  const job = line.byName.get(name)
  const resources = new Set([
    ...(job?.gets ?? []).map((get) => get.resource),
    ...(job?.needs ?? []).flatMap((need) => [...handedOnBy(need.job, line)]),
    ...(job ? putsOf(job) : []),
  ])
  line.handsOn.set(name, resources)
  return resources
}

function edgesOfJob(job: Job, line: Line): JobEdges {
  const needs = job.needs.map((need): NeedEdge => ({
    job: need.job,
    trigger: need.trigger,
    on: need.on,
    versions: need.versions,
    start: need.start ?? job.start,
    carries: [...handedOnBy(need.job, line)],
  }))
  const inputs = line.pipeline.resources.flatMap((resource) => {
    const edge = inputEdge(resource.name, job, needs)
    if (!edge) return []
    const outside = !(isGit(resource) && followsLane(resource))
    const isPut = line.producers.has(resource.name)
    return [
      {
        ...edge,
        kind: resource.kind,
        shared: outside && !isPut,
        isPut,
        pin: edge.pin ?? ('pin' in resource ? resource.pin : null),
      },
    ]
  })
  const producers = job.gets.flatMap(({ resource }) =>
    (line.producers.get(resource) ?? [])
      .filter((each) => each !== job.name)
      .map((each) => ({ job: each, resource })),
  )
  let upstream: readonly string[] | null = null
  return {
    job,
    inputs,
    needs,
    // Only some start modes ask, and in a long line the answer is long.
    get upstream() {
      return (upstream ??= upstreamOf(job, line))
    },
    producers,
    neighbours: [
      ...new Set([...job.needs.map((need) => need.job), ...(line.dependents.get(job.name) ?? [])]),
    ],
  }
}

type OwnEdge = Omit<InputEdge, 'shared' | 'isPut' | 'kind'>

function inputEdge(resource: string, job: Job, needs: readonly NeedEdge[]): OwnEdge | null {
  const own = job.gets.find((get) => get.resource === resource)
  const carriers = needs.filter((need) => need.carries.includes(resource))
  if (!own && carriers.length === 0) return null
  const via = carriers.filter((need) => need.versions === 'same').map((need) => need.job)
  const loose = carriers.find((need) => need.versions === 'any')
  const byFile = own && own.version !== 'latest' && own.version !== 'every' ? own.version : null
  return {
    resource,
    get: own ? { trigger: own.trigger, every: own.version === 'every', start: own.start ?? job.start } : null,
    via,
    from: !own && via.length === 0 ? (loose?.job ?? null) : null,
    pin: byFile,
  }
}

/** The jobs that start a job: those whose ending it waits for, and those that put what it gets. */
export const startersOf = (job: Job, producers: ReadonlyMap<string, readonly string[]>): string[] => [
  ...job.needs.filter((need) => need.trigger).map((need) => need.job),
  ...job.gets.filter((get) => get.trigger).flatMap((get) => producers.get(get.resource) ?? []),
]

function upstreamOf({ name }: Job, { before, behind }: Line): string[] {
  const downstream = reached(name, behind)
  return [...reached(name, before)].filter((other) => other !== name && !downstream.has(other))
}

function reached(from: string, steps: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const found = new Set<string>()
  const ahead = [from]
  for (let name = ahead.pop(); name !== undefined; name = ahead.pop())
    for (const next of steps.get(name) ?? [])
      if (!found.has(next)) {
        found.add(next)
        ahead.push(next)
      }
  return found
}
