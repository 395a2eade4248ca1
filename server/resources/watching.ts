import { sql } from 'kysely'
import type { LaneId, PipelineId } from '#pipelines/ids.ts'
import type { Trx } from '../db/connect.ts'
import type { Commit } from './commit.ts'

type At = { readonly pipelineId: PipelineId; readonly laneId: LaneId }

/**
 * The resources of a pipeline that watch a commit's repository and branch, each with the newest version that the commit's ref
 * brought to the lane and still leads to.
 *
 * @param preset  The branch that a resource without one watches; null for any.
 */
export async function watching(db: Trx, at: At, commit: Commit, preset: string | null) {
  const rows = await db
    .selectFrom('resources')
    .leftJoinLateral(
      (eb) =>
        eb
          .selectFrom('versions')
          .select(['versions.name', sql<string>`versions.body ->> 'ref'`.as('ref')])
          .whereRef('versions.resource_id', '=', 'resources.id')
          .where('versions.lane_id', '=', at.laneId)
          .where('versions.left_at', 'is', null)
          .orderBy('versions.seq', 'desc')
          .limit(1)
          .as('newest'),
      (join) => join.onTrue(),
    )
    .select(['resources.id', 'resources.name', 'newest.name as newest', 'newest.ref'])
    .where('pipeline_id', '=', at.pipelineId)
    .where('repository_id', '=', commit.repository)
    .where((eb) => {
      const wanted = eb.fn.coalesce('branch', sql<string | null>`${preset}::text`)
      return eb.or([eb(wanted, 'is', null), eb(sql`'refs/heads/' || ${wanted}`, '=', commit.body.ref)])
    })
    .orderBy('resources.id')
    .execute()
  return rows.map(({ id, name, newest, ref }) => ({
    id,
    name,
    newest: ref === commit.body.ref ? newest : null,
  }))
}

/** The commit's ref leads to these commits no more: their versions on the lane are left behind. @returns How many. */
export async function leaveBehind(
  db: Trx,
  lane: LaneId,
  { repository, body, behind }: Pick<Commit, 'repository' | 'body'> & { readonly behind: readonly string[] },
): Promise<number> {
  if (behind.length === 0) return 0
  const rows = await db
    .updateTable('versions')
    .from('resources')
    .set({ left_at: sql<Date>`now()` })
    .whereRef('resources.id', '=', 'versions.resource_id')
    .where('resources.repository_id', '=', repository)
    .where('versions.lane_id', '=', lane)
    .where('versions.left_at', 'is', null)
    .where(sql`versions.body ->> 'ref'`, '=', body.ref)
    .where('versions.name', '=', sql<string>`any(${behind}::text[])`)
    .returning('versions.name')
    .execute()
  return new Set(rows.map((row) => row.name)).size
}
