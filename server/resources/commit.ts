import type { DeliveryId, LaneId, PipelineId, RepositoryId, ResourceId } from '#pipelines/ids.ts'
import type { Pipeline } from '#pipelines/language/pipeline.ts'
import type { CommitBody, VersionBody } from '../db/schema.ts'

/** A version that is to be taken note of. */
export type NewVersion = {
  readonly resource: ResourceId
  readonly lane: LaneId
  readonly name: string
  readonly body: VersionBody
  /** Null where none told of it. */
  readonly delivery: DeliveryId | null
  /** Whether the lane points to it now, or the push is an old one that was told late. */
  readonly head: 'now' | 'before'
  /** Of a commit: how it stands to others. */
  readonly order?: CommitOrder
  /** The paths that it changed since the version before; null where that is not known. */
  readonly changed?: readonly string[] | null
}

/** How a commit stands to those that were known when it came. */
export type CommitOrder = {
  /** What was newest is not among its ancestors. */
  readonly forced: boolean
  /** It was told late, and its ref leads to it no more. */
  readonly left: boolean
  /** Told late: the commits that go on from it, up to where its ref points now. */
  readonly onTheWay: readonly string[]
}

type Place = { readonly project: string; readonly pipeline: string; readonly lane: string }
/** A lane with the file in force on it. */
export type LaneNow = Place & {
  readonly pipelineId: PipelineId
  readonly laneId: LaneId
  readonly definition: Pipeline
}
/** A commit that arrived, and what is known of it. */
export type Commit = {
  readonly repository: RepositoryId
  readonly sha: string
  readonly body: CommitBody
  readonly delivery: DeliveryId
  readonly head: 'now' | 'before'
  readonly order?: CommitOrder
  /** The resources that it becomes a version of, with the paths it changed of each; without it all that watch it. */
  readonly changed?: ReadonlyMap<string, readonly string[] | null>
}
