import { sql } from 'kysely'
import type { ProjectRow } from '../catalog/queries.ts'
import type { Tx } from '../db/transact.ts'

/** A branch or tag is gone: its lane takes no more versions until it is pushed to again. @returns What was closed, in words. */
export async function closeLanes(tx: Tx, projects: readonly ProjectRow[], lane: string): Promise<string> {
  const closed: string[] = []
  for (const project of projects) {
    const rows = await tx.db
      .updateTable('lanes')
      .from('pipelines')
      .set({ closed_at: sql<Date>`now()` })
      .whereRef('pipelines.id', '=', 'lanes.pipeline_id')
      .where('pipelines.project_id', '=', project.id)
      .where('lanes.name', '=', lane)
      .where('lanes.closed_at', 'is', null)
      .returning('pipelines.name as pipeline')
      .execute()
    for (const { pipeline } of rows) {
      tx.emit({ kind: 'lane.closed', project: project.name, pipeline, lane })
      closed.push(`${project.name}/${pipeline}`)
    }
  }
  return closed.length > 0 ? closed.join(', ') : 'no lane'
}
