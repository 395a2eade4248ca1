import type { EndingId, RunId, TriggerId, VersionId } from '../ids.ts'
import type { Job, Need, Resource, StartMode } from '../language/pipeline.ts'
import type { RunState } from '../states.ts'

/** One version as the planner sees it. `seq` is its place in its lane: higher is newer. */
export type VersionFact = { readonly id: VersionId; readonly seq: number; readonly name: string }

/** How a run ended, as an edge's `on` asks for it. What was filtered out counts as success: it was passed through. */
export type How = 'success' | 'failure' | 'other'

/** A run that has ended (of a matrix: all its legs together) and the versions it vouches for: its inputs, and what it put. */
export type EndingFact = {
  readonly id: EndingId
  /** Of a matrix: the leg that ended last. */
  readonly run: RunId
  readonly how: How
  readonly versions: Readonly<Record<string, VersionFact>>
}

/** One resource that a job consumes. */
export type InputFact = {
  readonly resource: string
  /** What it is: a tick of a `time` resource is a scheduled start, and `paths` ask about a `git` one. */
  readonly kind?: Resource['kind']
  /** The job's own `get`; null where the version only comes through the jobs it needs. */
  readonly get: { readonly trigger: boolean; readonly every: boolean; readonly start: StartMode } | null
  /** The needs with `versions: same` that must all vouch for the version. */
  readonly via: readonly string[]
  /** The need with `versions: any` that hands the version on, where no other edge supplies it. */
  readonly from: string | null
  /**
   * Only this version may be taken; `version` is null while there is none of that name. `words` are the whole sentence: `src is
   * pinned to v3 by Ann: 1.4 breaks the cart`.
   */
  readonly pin: { readonly version: VersionFact | null; readonly words: string } | null
  /** The newest version of the lane that is neither disabled nor left behind by a force-push; null before the first one. */
  readonly newest: VersionFact | null
  /** The version that a person chose for a start by hand. */
  readonly chosen?: VersionFact | null
}

/** One job that the planned job needs. */
export type NeedFact = Pick<Need, 'job' | 'trigger' | 'on' | 'versions'> & {
  readonly start: StartMode
  /** The resources it vouches for, by the file. */
  readonly carries: readonly string[]
  /**
   * Endings that `on` lets through and that hold no disabled version, newest first: all those that can stand in a set together
   * with what is asked about, within the bounds of one look.
   */
  readonly endings: readonly EndingFact[]
  /** The newest run, whatever its state; null when it never ran on this lane. */
  readonly newest: {
    readonly run: RunId
    readonly state: RunState
    readonly how: How | null
    readonly versions: Readonly<Record<string, VersionFact>>
  } | null
  /** Why the job takes nothing at present, in words; null when it does. */
  readonly paused: string | null
}

/** One new fact on an edge that triggers: what a run may come of. */
export type Trigger = {
  readonly id: TriggerId
  /** It waits already, in a `strict` job's one entry. */
  readonly gathered: boolean
  /** Why nothing comes of its version, or of one that its ending holds: a person disabled it or paused its resource, a force-push
   * left it behind. */
  readonly refused?: string | null
} & (
  | { readonly kind: 'version'; readonly resource: string; readonly version: VersionFact }
  | { readonly kind: 'ending'; readonly job: string; readonly ending: EndingFact }
  /** Something else made another look worthwhile: a pin, a version enabled again, a job that goes on. `words` say what. */
  | { readonly kind: 'changed'; readonly words: string }
)

/** Something upstream, all the way, that is not final: a run, or a trigger that has not been looked at. */
export type Active = {
  readonly job: string
  readonly run: RunId | null
  readonly state: 'queued' | 'running' | 'waiting' | 'triggered'
}

/** Where versions come from, and what may be done with them: pull requests are not trusted. */
export type LaneFact = { readonly name: string; readonly kind: 'push' | 'tag' | 'pull_request' }

/** What a version tells for `if` and `paths`: its fields, and the paths it changed (null: not known, so all of them match). */
export type DetailFact = {
  readonly fields: Readonly<Record<string, string>>
  readonly changed: readonly string[] | null
}

/**
 * The form of the facts, which are kept: raise it with every change that makes the planner misread facts that are kept already. A
 * decision is replayed only from facts of this form.
 */
export const DIALECT = 1

/** Everything the planner may know of one job on one lane. It is plain JSON, so that a decision can be replayed. */
export type Facts = {
  readonly job: Pick<Job, 'name' | 'start' | 'when' | 'if' | 'paths'>
  readonly project: string
  readonly pipeline: string
  readonly lane: LaneFact
  /** Why nothing is to start, in words; null when it may. */
  readonly paused: string | null
  /** In the order in which the file declares the resources: the order in which sets are compared. */
  readonly inputs: readonly InputFact[]
  /** In the order of the file. */
  readonly needs: readonly NeedFact[]
  /** What is not final upstream of the edges that trigger; read for a `strict` start only. */
  readonly active: readonly Active[]
  /** Jobs that put a resource which this job gets, with how their newest run ended; read for a `strict` start only. */
  readonly producers: readonly {
    readonly job: string
    readonly resource: string
    readonly newest: NeedFact['newest']
    readonly paused: string | null
  }[]
  /** The newest set that the job took on this lane: `seq`s by resource, runs by loose need; null before its first run. */
  readonly taken: {
    readonly run: RunId
    readonly seqs: Readonly<Record<string, number>>
    readonly runs: Readonly<Record<string, RunId>>
  } | null
  /** Versions of `every` inputs that the job has used on this lane, among those that stand in these facts. */
  readonly used: readonly VersionId[]
  /** By version id; filled in where the job has an `if` or `paths`. */
  readonly details: Readonly<Record<number, DetailFact>>
  /** Those that are open, oldest first. */
  readonly triggers: readonly Trigger[]
}

/** A run that should exist. */
export type DueRun = {
  /** In declaration order. */
  readonly inputs: readonly DueInput[]
  /** For each need the run that satisfied it, as far as one did. */
  readonly upstreams: readonly { readonly job: string; readonly run: RunId }[]
  readonly start: StartMode
  /** Why it runs, in words. */
  readonly reason: string
  readonly triggers: readonly TriggerId[]
  /** Whether it is the newest set taken; an older version that `every` asked for is not. */
  readonly advances: boolean
  /** Why the job is passed through instead of run, in words; null: it runs. */
  readonly skip: string | null
}
export type DueInput = {
  readonly resource: string
  readonly version: VersionFact
  /** The runs that vouched for it, ascending; none where the job got it itself. */
  readonly via: readonly RunId[]
}

/** What became of a trigger that started no run: it waits in the one entry of a `strict` job, or it is done with. */
export type Fate = {
  readonly trigger: TriggerId
  readonly fate: 'gathered' | 'no-run'
  readonly reason: string
  /** Something is missing that may still come: where it comes by an edge that starts nothing, the trigger is looked at again. */
  readonly lacks: boolean
}

/** What the planner decided: runs to create, in this order, and the fate of every other trigger. */
export type Decision = { readonly runs: readonly DueRun[]; readonly fates: readonly Fate[] }
