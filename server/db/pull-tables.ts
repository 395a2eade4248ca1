import type { Generated } from 'kysely'
import type { DeliveryId, ProjectId, PullHeadId } from '#pipelines/ids.ts'
import type { PullHeadState } from '#pipelines/states.ts'
import type { Time } from './columns.ts'

/** The tables of pull requests, as the migrations make them: whose commits wait for somebody's word. */
export type PullTables = {
  pull_heads: {
    id: Generated<PullHeadId>
    project_id: ProjectId
    number: number
    sha: string
    title: string
    author: string
    base: string
    delivery_id: DeliveryId
    state: Generated<PullHeadState>
    decided_by: string | null
    comment: string | null
    asked_at: Time
    closed_at: Time | null
  }
}
