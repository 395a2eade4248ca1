import type { RunId, VersionId } from '../ids.ts'
import type { RunState } from '../states.ts'

/** One version as the planner sees it. `seq` is its place in its lane: higher is newer. */
export type VersionFact = { readonly id: VersionId; readonly seq: number; readonly name: string }

/** A green run of a needed job: the versions it vouches for, by resource. */
export type GreenFact = { readonly run: RunId; readonly versions: Readonly<Record<string, VersionFact>> }

/** One resource that a job consumes. */
export type InputFact = {
  readonly resource: string
  /** Whether a new version of it, got by the job itself, starts the job. */
  readonly trigger: boolean
  /** The needed jobs that must have turned the version green; empty where the job watches the resource itself. */
  readonly via: readonly string[]
  /** Newest first; all that are newer than the newest the job took, and the newest at least. */
  readonly versions: readonly VersionFact[]
}

/** One job that the planned job needs. */
export type NeedFact = {
  readonly job: string
  /** Whether a new green run of it starts the planned job. */
  readonly trigger: boolean
  /** In any order. */
  readonly greens: readonly GreenFact[]
  /** The newest run of it, whatever its state; null when it never ran on this lane. */
  readonly newest: {
    readonly versions: Readonly<Record<string, VersionFact>>
    readonly state: RunState
  } | null
}

/** Everything the planner may know of one job on one lane. */
export type Snapshot = {
  readonly job: string
  readonly inputs: readonly InputFact[]
  readonly needs: readonly NeedFact[]
  /** The newest input set the job took by itself, as `seq`s by resource; null before its first run. */
  readonly taken: Readonly<Record<string, number>> | null
}

/** A run that should exist. */
export type DueRun = {
  readonly inputs: readonly DueInput[]
  /** Why it runs, in words. */
  readonly reason: string
}
export type DueInput = {
  readonly resource: string
  readonly version: VersionFact
  readonly via: readonly RunId[]
}

/** What the planner decided: the runs to create, oldest set first, and why nothing newer is due yet. */
export type Decision = { readonly due: readonly DueRun[]; readonly waiting: string | null }
