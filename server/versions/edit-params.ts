import { audited } from '../audit/on-record.ts'
import type { Tx } from '../db/transact.ts'
import { Problem } from '../problem.ts'
import type { LaneNow } from '../resources/commit.ts'
import { insertNewest } from '../resources/insert-newest.ts'
import { bodyOf, newestOnLane, type Standing } from '../resources/newest-on-lane.ts'
import { triggerByVersions } from '../resources/record-version.ts'
import { paramsOf } from './make-version.ts'

type Edit = { readonly resource: string; readonly set: Readonly<Record<string, string>> }

/**
 * A person sets some of a resource's values: that is a version, and starts who gets it. What stays as it is makes none. The caller
 * holds the lane's row.
 *
 * @throws {Problem} `bad-put`: the file in force has no such parameters.
 */
export async function editParams(tx: Tx, at: LaneNow, { resource, set }: Edit): Promise<Standing> {
  const declared = at.definition.resources.find((each) => each.name === resource)
  if (declared?.kind !== 'params')
    throw new Problem(
      'bad-put',
      `\`${resource}\` has no values to set: it is no \`params\` resource of ${at.lane}`,
    )
  const newest = await newestOnLane(tx.db, { pipeline: at.pipelineId, lane: at.laneId, resource })
  const { fields } = bodyOf(newest)
  if (newest && Object.entries(set).every(([key, value]) => fields[key] === value)) return newest
  const was = Object.fromEntries(Object.keys(set).map((key) => [key, fields[key] ?? null]))
  audited({ before: { lane: at.lane, set: was }, after: { lane: at.lane, set } })
  const made = paramsOf(newest, set)
  const version = await insertNewest(tx, at, { resource, ...made })
  await triggerByVersions(tx, at, new Map([[resource, version]]))
  return made
}
