import type { ProjectId } from '#pipelines/ids.ts'
import type { Time } from './columns.ts'

/** The tables of a project's values, as the migrations make them. */
export type ValueTables = {
  project_values: {
    project_id: ProjectId
    key: string
    version: number
    value: string | null
    set_at: Time
    set_by: string
  }
  value_history: {
    project_id: ProjectId
    key: string
    version: number
    value: string | null
    set_at: Time
    set_by: string
  }
}
