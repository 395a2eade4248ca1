import type { VersionId } from '#pipelines/ids.ts'
import type { Resource } from '#pipelines/language/pipeline.ts'
import { edgesOf } from '#pipelines/plan/edges.ts'
import { fieldsOfSemver, parseSemver } from '#pipelines/plan/semver.ts'
import type { FieldsBody } from '../db/schema.ts'
import type { Tx } from '../db/transact.ts'
import type { LaneNow } from './commit.ts'
import { insertNewest } from './insert-newest.ts'
import { bodyOf, countedOn, newestOnLane, type Standing } from './newest-on-lane.ts'
import { triggerByVersions } from './record-version.ts'

/**
 * A file says the first version of some resources by itself: the number that a release begins with, the values of parameters, an
 * empty state. What nothing here puts comes from outside the lanes, and lives on the default branch's. The caller holds the lane's
 * row.
 */
export async function seedVersions(
  tx: Tx,
  at: LaneNow,
  { isDefault }: { readonly isDefault: boolean },
): Promise<void> {
  const { isPut } = edgesOf(at.definition)
  const made = new Map<string, VersionId>()
  for (const resource of at.definition.resources) {
    if (!SAID.has(resource.kind) || !(isDefault || isPut(resource.name))) continue
    const where = { pipeline: at.pipelineId, lane: at.laneId, resource: resource.name }
    const version = seedOf(resource, await newestOnLane(tx.db, where))
    if (version) made.set(resource.name, await insertNewest(tx, at, { resource: resource.name, ...version }))
  }
  await triggerByVersions(tx, at, made)
}

const SAID: ReadonlySet<Resource['kind']> = new Set(['semver', 'params', 'state'])

/** What the file makes a version of, now; null where there is nothing new in it. */
function seedOf(resource: Resource, newest: Standing | undefined): Standing | null {
  if (resource.kind === 'params') return paramsOfFile(resource.values, newest)
  if (newest) return null
  if (resource.kind === 'state') return { name: '0', body: { fields: { version: '0' }, folder: null } }
  const initial = resource.kind === 'semver' ? parseSemver(resource.initial) : null
  return (
    initial && { name: fieldsOfSemver(initial)['version'] ?? '', body: { fields: fieldsOfSemver(initial) } }
  )
}

/** What the file has changed since it last made a version; what people and runs have set stays as it is. */
function paramsOfFile(
  file: Readonly<Record<string, string>>,
  newest: Standing | undefined,
): { name: string; body: FieldsBody } | null {
  const { fields, file: before = {} } = bodyOf(newest)
  const keys = [...new Set([...Object.keys(before), ...Object.keys(file)])]
  const changed = keys.filter((key) => before[key] !== file[key])
  if (newest && changed.length === 0) return null
  const kept = Object.entries(fields).filter(([key]) => !changed.includes(key))
  const set = Object.entries(file).filter(([key]) => changed.includes(key))
  return { name: countedOn(newest), body: { fields: Object.fromEntries([...kept, ...set]), file } }
}
