import type { EndingId, RunId, TriggerId, VersionId } from '../ids.ts'
import type { Pipeline } from '../language/pipeline.ts'
import { followsLane, type GitResource, isGit } from '../language/resource.ts'
import { decide } from './decide.ts'
import { edgesOf, type InputEdge, type JobEdges, type NeedEdge, putsOf } from './edges.ts'
import type { DetailFact, EndingFact, Facts, InputFact, LaneFact, NeedFact, Trigger } from './facts.ts'
import type { VersionFact } from './facts.ts'
import { commitRefusal, laneRefusal } from './lanes.ts'
import { shortName } from './words.ts'

/** A commit as it would be pushed once more, to a lane on which nothing has run yet. */
export type Scene = {
  readonly project: string
  readonly pipeline: string
  readonly lane: LaneFact
  readonly commit: DetailFact & { readonly name: string; readonly ref: string; readonly message: string }
  /** What is there besides the commit: the newest version of each resource that has one. */
  readonly newest: ReadonlyMap<string, { readonly name: string }>
}

/**
 * What would become of a job: it `runs`; it is `passed` through, and those behind it go on; it `waits` for what is not there; only
 * a person starts it (`manual`); or it `stays` as it is. The words say why.
 */
export type Rehearsed = {
  readonly job: string
  readonly fate: 'runs' | 'passed' | 'waits' | 'manual' | 'stays'
  readonly words: string
}

/**
 * How far a commit would come by a pipeline's file, if every run succeeded: the planner itself decides, on a stage with nothing on
 * it but the commit. Jobs are in the order of the file.
 */
export function rehearse(pipeline: Pipeline, scene: Scene): Rehearsed[] {
  const stage = new Stage(pipeline, scene)
  for (let before = -1; before < stage.size;) {
    before = stage.size
    for (const { name } of pipeline.jobs) stage.look(name)
  }
  return pipeline.jobs.map(({ name }) => stage.told(name))
}

class Stage {
  readonly #pipeline: Pipeline
  readonly #scene: Scene
  readonly #versions = new Map<string, VersionFact>()
  /** What came with the commit, or of it: the rest was there before, and starts nothing. */
  readonly #fresh = new Set<string>()
  readonly #details: Record<number, DetailFact> = {}
  readonly #endings = new Map<string, EndingFact>()
  readonly #told = new Map<string, Rehearsed>()
  /** Why the commit is no version of a resource. */
  readonly #refused = new Map<string, string>()
  #ids = 0

  constructor(pipeline: Pipeline, scene: Scene) {
    this.#pipeline = pipeline
    this.#scene = scene
    for (const [resource, { name }] of scene.newest) this.#add(resource, name)
    for (const resource of pipeline.resources)
      if (isGit(resource) && resource.repository === '.' && followsLane(resource)) this.#bring(resource)
  }

  /** How many jobs have ended. */
  get size(): number {
    return this.#endings.size
  }

  /** Look at a job that has not run: something it needs may have come. */
  look(name: string): void {
    const edges = edgesOf(this.#pipeline).jobs.get(name)
    if (!edges || this.#endings.has(name)) return
    const triggers = this.#triggersOf(edges)
    if (triggers.length === 0) return
    const { runs, fates } = decide(this.#factsOf(edges, triggers))
    const [run] = runs
    if (!run) {
      const waits = fates.some(({ lacks, fate }) => lacks || fate === 'gathered')
      const words = [...new Set(fates.map(({ reason }) => reason))].join('; ')
      return this.#tell(name, waits ? 'waits' : 'stays', words)
    }
    const asks = edges.job.steps.some(({ kind }) => kind === 'approve')
      ? '; somebody is asked first or on the way'
      : ''
    this.#tell(name, run.skip === null ? 'runs' : 'passed', run.skip ?? `${run.reason}${asks}`)
    const held = Object.fromEntries(run.inputs.map(({ resource, version }) => [resource, version]))
    if (run.skip === null)
      for (const resource of putsOf(edges.job)) {
        held[resource] = this.#add(resource, `by ${name}`)
        this.#fresh.add(resource)
      }
    const id = this.#next()
    this.#endings.set(name, { id: id as EndingId, run: id as RunId, how: 'success', versions: held })
  }

  told(name: string): Rehearsed {
    const known = this.#told.get(name)
    const edges = edgesOf(this.#pipeline).jobs.get(name)
    if (!edges) return { job: name, fate: 'stays', words: '' }
    if (known?.fate === 'passed' && edges.job.when?.includes('manual')) return { ...known, fate: 'manual' }
    return known ?? { job: name, ...this.#untouched(edges) }
  }

  #tell(job: string, fate: Rehearsed['fate'], words: string): void {
    this.#told.set(job, { job, fate, words })
  }

  /** Nothing asked the job to do anything. */
  #untouched({ inputs, needs }: JobEdges): Omit<Rehearsed, 'job'> {
    const refused = inputs.flatMap(({ resource, get }) => {
      const why = get?.trigger ? this.#refused.get(resource) : undefined
      return why === undefined ? [] : [`the commit is no version of ${resource}: ${why}`]
    })
    if (refused.length > 0) return { fate: 'stays', words: refused.join('; ') }
    const before = needs.filter(({ trigger }) => trigger).map(({ job }) => job)
    if (before.length > 0) return { fate: 'stays', words: `nothing comes to it from ${before.join(' and ')}` }
    const others = inputs.filter(({ get }) => get?.trigger).map(({ resource }) => resource)
    if (others.length > 0)
      return { fate: 'stays', words: `a new version of ${others.join(' or ')} starts it, not this commit` }
    return { fate: 'manual', words: 'nothing but a person starts it' }
  }

  #bring(resource: GitResource): void {
    const { lane, commit } = this.#scene
    const { triggers } = this.#pipeline
    const unheard = lane.kind === 'pull_request' ? null : laneRefusal(commit.ref, triggers)
    const why = unheard ?? commitRefusal(commit, triggers, resource)
    if (why !== null) return void this.#refused.set(resource.name, why)
    const { id } = this.#add(resource.name, commit.name)
    this.#details[id] = { fields: commit.fields, changed: commit.changed }
    this.#fresh.add(resource.name)
  }

  #add(resource: string, name: string): VersionFact {
    const id = this.#next()
    const version = { id: id as VersionId, seq: id, name }
    this.#versions.set(resource, version)
    return version
  }

  #next(): number {
    return ++this.#ids
  }

  #triggersOf({ job, needs }: JobEdges): Trigger[] {
    const { startedByVersion } = edgesOf(this.#pipeline)
    const versions = [...this.#fresh].flatMap((resource): Trigger[] => {
      const version = this.#versions.get(resource)
      if (!version || !startedByVersion.get(resource)?.includes(job.name)) return []
      return [{ ...this.#trigger(), kind: 'version', resource, version }]
    })
    const endings = needs.flatMap((need): Trigger[] => {
      const ending = this.#endings.get(need.job)
      return need.trigger && ending ? [{ ...this.#trigger(), kind: 'ending', job: need.job, ending }] : []
    })
    return [...versions, ...endings]
  }

  #trigger(): { id: TriggerId; gathered: boolean } {
    return { id: this.#next() as TriggerId, gathered: false }
  }

  #factsOf({ job, inputs, needs }: JobEdges, triggers: readonly Trigger[]): Facts {
    const { project, pipeline, lane } = this.#scene
    return {
      ...{ job, project, pipeline, lane, triggers },
      inputs: inputs.map((input) => this.#inputFact(input)),
      needs: needs.map((need) => this.#needFact(need)),
      ...{ paused: null, active: [], producers: [], taken: null, used: [], details: this.#details },
    }
  }

  #inputFact({ shared: _, isPut: __, pin, ...input }: InputEdge): InputFact {
    const newest = this.#versions.get(input.resource) ?? null
    if (pin === null) return { ...input, newest, pin: null }
    const words = `${input.resource} is pinned to ${shortName(pin)} by the file`
    return { ...input, newest, pin: { version: newest?.name.startsWith(pin) ? newest : null, words } }
  }

  #needFact(need: NeedEdge): NeedFact {
    const ending = this.#endings.get(need.job)
    const passes = need.on.includes('success') || need.on.includes('finish')
    return {
      ...need,
      endings: ending && passes ? [ending] : [],
      newest: ending ? { ...ending, state: 'succeeded' } : null,
      paused: null,
    }
  }
}
