import { sql } from 'kysely'
import type { PipelineId, ProjectId } from '#pipelines/ids.ts'
import type { NoticeFacts } from '#pipelines/language/notice-words.ts'
import type { NoticeKind } from '#pipelines/language/pipeline.ts'

/** Something that somebody may want to hear of. */
export type Happening = {
  readonly project: ProjectId
  readonly pipeline: PipelineId
  readonly defaultBranch: string
  readonly isPull: boolean
  /** What it is, the most telling word first; of one place one notice is enough. */
  readonly kinds: readonly NoticeKind[]
  /** `url` is an address on this server. */
  readonly facts: Omit<NoticeFacts, 'kind'>
}

export const NOTHING = { job: '', number: '', reason: '', title: '', version: '' }

export type Where = {
  readonly project_id: ProjectId
  readonly pipeline_id: PipelineId
  readonly project: string
  readonly pipeline: string
  readonly lane: string
  readonly lane_kind: string
  readonly default_branch: string
}
/** Where something happened, as columns of a query, and what they are joined from beside a row of `lanes`. */
export const PLACES = sql`join pipelines on pipelines.id = lanes.pipeline_id join projects on projects.id = pipelines.project_id
  join repositories on repositories.id = projects.repository_id`
export const WHERE = sql`projects.id as project_id, pipelines.id as pipeline_id, projects.name as project,
  pipelines.name as pipeline, lanes.name as lane, lanes.kind as lane_kind, repositories.default_branch`

export const namesIn = ({ project, pipeline, lane }: Where) => ({ project, pipeline, lane })
export const placeIn = (row: Where) => ({
  project: row.project_id,
  pipeline: row.pipeline_id,
  defaultBranch: row.default_branch,
  isPull: row.lane_kind === 'pull_request',
})
