import { edgesOf, type Edges, type JobEdges } from '#pipelines/plan/edges.ts'
import type { EndingFact, How, LaneFact, Trigger, VersionFact } from '#pipelines/plan/facts.ts'
import type { Pipeline, StartMode } from '#pipelines/language/pipeline.ts'
import { parsePipeline } from '#pipelines/language/parse.ts'
import type { EndingId, RunId, TriggerId, VersionId } from '#pipelines/ids.ts'

export type TinyVersion = VersionFact & {
  readonly resource: string
  readonly lane: string
  isOut: boolean
  readonly fields: Record<string, string>
  readonly changed: readonly string[] | null
}
export type TinyRun = {
  readonly id: RunId
  readonly job: string
  readonly lane: string
  readonly inputs: Readonly<Record<string, VersionFact>>
  readonly loose: Readonly<Record<string, RunId>>
  readonly start: StartMode
  readonly reason: string
  readonly advances: boolean
  state: 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'skipped'
}
export type TinyEnding = EndingFact & { readonly job: string; readonly lane: string }
export type TinyTrigger = Trigger & {
  readonly on: { readonly job: string; readonly lane: string }
  fate: 'new' | 'gathered' | 'run' | 'no-run'
  reason: string | null
  run: RunId | null
}

/** Everything a server would keep in its tables, small enough to be looked at as a whole. */
export type TinyWorld = {
  readonly edges: Edges
  readonly lanes: readonly LaneFact[]
  readonly versions: TinyVersion[]
  readonly runs: TinyRun[]
  readonly endings: TinyEnding[]
  readonly triggers: TinyTrigger[]
  /** By `resource@lane`. */
  readonly pins: Map<string, { readonly version: VersionFact | null; readonly words: string }>
  /** By job, in words. */
  readonly paused: Map<string, string>
  last: number
}

export const MAIN: LaneFact = { name: 'main', kind: 'push' }

export function tinyWorld(file: string, lanes: readonly LaneFact[] = [MAIN]): TinyWorld {
  const { pipeline, diagnostics } = parsePipeline(file)
  if (!pipeline) throw new Error(JSON.stringify(diagnostics, null, 2))
  return tinyWorldOf(pipeline, lanes)
}

export function tinyWorldOf(pipeline: Pipeline, lanes: readonly LaneFact[] = [MAIN]): TinyWorld {
  return {
    edges: edgesOf(pipeline),
    lanes,
    versions: [],
    runs: [],
    endings: [],
    triggers: [],
    pins: new Map(),
    paused: new Map(),
    last: 0,
  }
}

export const nextId = (world: TinyWorld) => ++world.last
export type Place = { readonly job: string; readonly lane: string }

function wake(world: TinyWorld, on: Place, fact: Fact): void {
  const id = nextId(world) as TriggerId
  world.triggers.push({ id, gathered: false, on, fate: 'new', reason: null, run: null, ...fact })
}
type Fact =
  | { kind: 'version'; resource: string; version: VersionFact }
  | { kind: 'ending'; job: string; ending: EndingFact }
  | { kind: 'changed'; words: string }

/** Where a resource's versions are read: those of what comes from outside are on the default branch's lane, for all. */
export const laneOfInput = (edge: JobEdges['inputs'][number], lane: string): string =>
  edge.shared ? MAIN.name : lane

export type Pushed = Partial<Pick<TinyVersion, 'seq' | 'name' | 'fields' | 'changed'>>

/** A new version: the newest of its lane, unless it is told late, with a `seq` of its own. */
export function push(world: TinyWorld, resource: string, lane = MAIN.name, given: Pushed = {}): TinyVersion {
  const before = world.versions.filter((each) => each.resource === resource && each.lane === lane)
  const seq = given.seq ?? Math.max(0, ...before.map((each) => each.seq)) + 10
  const version: TinyVersion = {
    id: nextId(world) as VersionId,
    seq,
    name: given.name ?? `v${seq / 10}`,
    resource,
    lane,
    isOut: false,
    fields: given.fields ?? {},
    changed: given.changed ?? null,
  }
  world.versions.push(version)
  for (const job of world.edges.startedByVersion.get(resource) ?? [])
    wake(world, { job, lane }, { kind: 'version', resource, version: plain(version) })
  return version
}

export const plain = ({ id, seq, name }: VersionFact): VersionFact => ({ id, seq, name })

/** A person changed something about a resource or a job: everybody concerned looks again. */
export function change(
  world: TinyWorld,
  lane: string,
  words: string,
  concerns: (edges: JobEdges) => boolean,
): void {
  for (const edges of world.edges.jobs.values())
    if (concerns(edges)) wake(world, { job: edges.job.name, lane }, { kind: 'changed', words })
}
export const consumes = (resource: string) => (edges: JobEdges) =>
  edges.inputs.some((input) => input.resource === resource)

const HOW = { succeeded: 'success', skipped: 'success', failed: 'failure', cancelled: 'other' } as const
export const howOf = (state: TinyRun['state']): How | null =>
  state === 'queued' || state === 'running' ? null : HOW[state]

/** A run ends; what it puts comes with a success, in the same moment. */
export function end(world: TinyWorld, run: TinyRun, state: keyof typeof HOW): void {
  run.state = state
  const versions: Record<string, VersionFact> = { ...run.inputs }
  if (state === 'succeeded')
    for (const resource of putsOf(world, run.job)) versions[resource] = plain(push(world, resource, run.lane))
  const ending = { id: nextId(world) as EndingId, run: run.id, how: HOW[state], versions }
  world.endings.push({ ...ending, job: run.job, lane: run.lane })
  for (const job of world.edges.startedByEnding.get(run.job) ?? []) {
    const on = world.edges.jobs.get(job)!.needs.find((need) => need.job === run.job)!.on
    if (on.includes('finish') || on.some((each) => each === ending.how))
      wake(world, { job, lane: run.lane }, { kind: 'ending', job: run.job, ending })
  }
}

export const putsOf = (world: TinyWorld, job: string): string[] => [
  ...new Set(
    world.edges.jobs.get(job)!.job.steps.flatMap((step) => (step.kind === 'put' ? [step.resource] : [])),
  ),
]

/** The same inputs once more. */
export function retry(world: TinyWorld, run: TinyRun): TinyRun {
  const again: TinyRun = { ...run, id: nextId(world) as RunId, advances: false, state: 'queued' }
  world.runs.push(again)
  return again
}

export const isOpen = ({ fate }: TinyTrigger) => fate === 'new' || fate === 'gathered'
