import { sql } from 'kysely'
import type { z } from 'zod'
import type { LaneId, ResourceId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import { versionWords } from '../runs/queries.ts'
import { decree } from './decisions.ts'
import type { VersionList } from './shapes.ts'

type Page = {
  readonly resource: ResourceId
  /** Where its versions live, and the lane that asks: pins are of the lane that takes. */
  readonly home: LaneId
  readonly lane: LaneId
  /** Only older ones than this place in the lane. */
  readonly before: number | undefined
  readonly limit: number
}

/** A resource's versions on a lane, newest first, with what was decided about each. */
export async function listVersions(
  db: Db,
  { resource, home, lane, before, limit }: Page,
): Promise<z.output<typeof VersionList>['items']> {
  let versions = db
    .selectFrom('versions')
    .leftJoin('pins', (join) =>
      join
        .onRef('pins.version_id', '=', 'versions.id')
        .onRef('pins.resource_id', '=', 'versions.resource_id')
        .on('pins.lane_id', '=', lane),
    )
    .leftJoin('users as disabler', 'disabler.id', 'versions.disabled_by')
    .leftJoin('users as pinner', 'pinner.id', 'pins.pinned_by')
    .select((eb) => [
      'versions.name',
      'versions.body',
      'versions.seq',
      'versions.created_at',
      'versions.forced',
      'versions.left_at',
      'versions.disabled_at',
      'versions.disabled_reason',
      'disabler.name as disabled_by',
      'pins.pinned_at',
      'pins.reason as pinned_reason',
      'pinner.name as pinned_by',
      sql<number | null>`cardinality(versions.changed)`.as('changed'),
      eb
        .exists(eb.selectFrom('run_inputs').select('run_id').whereRef('version_id', '=', 'versions.id'))
        .$castTo<boolean>()
        .as('used'),
      eb
        .exists(eb.selectFrom('attestations').select('run_id').whereRef('version_id', '=', 'versions.id'))
        .$castTo<boolean>()
        .as('attested'),
    ])
    .where('versions.resource_id', '=', resource)
    .where('versions.lane_id', '=', home)
  if (before !== undefined) versions = versions.where('versions.seq', '<', before)
  const rows = await versions.orderBy('versions.seq', 'desc').limit(limit).execute()
  return rows.map((row) => ({
    name: row.name,
    ...versionWords(row.body),
    created_at: row.created_at.toISOString(),
    seq: row.seq,
    forced: row.forced,
    left: row.left_at !== null,
    disabled: decree(row.disabled_by, row.disabled_reason, row.disabled_at),
    pinned: decree(row.pinned_by, row.pinned_reason, row.pinned_at),
    used: row.used,
    attested: row.attested,
    changed: row.changed,
  }))
}
