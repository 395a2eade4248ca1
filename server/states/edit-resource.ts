import type { VersionId } from '#pipelines/ids.ts'
import { audited } from '../audit/on-record.ts'
import type { Trx } from '../db/connect.ts'
import type { FieldsBody } from '../db/schema.ts'
import type { Tx } from '../db/transact.ts'
import { keepVersion } from '../files/folders.ts'
import { folderMustFit, type Room } from '../files/room.ts'
import { type Expected, mustBe } from '../http/expected-version.ts'
import { Problem } from '../problem.ts'
import type { LaneNow } from '../resources/commit.ts'
import { insertNewest } from '../resources/insert-newest.ts'
import { laneNow } from '../resources/lane-now.ts'
import { bodyOf, countedOn, newestOnLane, type Standing } from '../resources/newest-on-lane.ts'
import { triggerByVersions } from '../resources/record-version.ts'
import { calledOf, type OfResource } from './the-state.ts'

/** Who changes something, and why; `expected` as in `If-Match`. */
export type By = {
  readonly by: string
  readonly reason: string | null
  readonly expected: Expected
}
export type ResourceEdit = By & {
  readonly room: Room
  /** What it is then; `version` is what it will be called. Null where the state it was made from is no longer the newest. */
  readonly change: (before: FieldsBody, version: string) => Pick<FieldsBody, 'fields' | 'folder'> | null
  readonly restored?: number
}

/**
 * A person changes what a resource remembers: that is a version. One of parameters starts who gets it, one of state starts nothing.
 * What stays as it is makes none.
 *
 * @returns The newest version then; null where `change` says so.
 * @throws {Problem} `changed-meanwhile`, `state-not-found`, `bad-put`, `state-too-large`.
 */
export async function editResource(
  tx: Tx,
  at: OfResource,
  { change, room, expected, ...who }: ResourceEdit,
): Promise<Standing | null> {
  const here = await declaredLane(tx, at)
  const newest = await newestOnLane(tx.db, {
    ...{ pipeline: here.pipelineId, lane: here.laneId, resource: at.name },
  })
  mustBe(expected, { version: Number(newest?.name ?? 0), what: calledOf(at) })
  const before = bodyOf(newest)
  const name = countedOn(newest)
  const changed = change(before, name)
  if (changed === null) return null
  if (newest && isSame(before, changed)) return newest
  const body = { ...before, ...changed }
  if (at.of === 'state') await folderMustFit(tx.db, placeOf(at), { resource: at.name, body, room })
  const version = await insertNewest(tx, here, { resource: at.name, name, body })
  if (at.of === 'state') await keepVersion(tx.db, version, { keepMs: null, runs: null })
  await noteEdit(tx.db, version, who)
  noteOnRecord(at, { before, changed, was: newest?.name ?? null, name, reason: who.reason })
  await triggerByVersions(tx, here, new Map([[at.name, version]]))
  return { name, body }
}

/** The lane with its row locked, and the file in force there, which has the resource. */
async function declaredLane(tx: Tx, at: OfResource): Promise<LaneNow> {
  const { project, name: pipeline } = at.pipeline
  const here = await laneNow(tx, { project, pipeline, lane: at.lane.name })
  const declared = here?.definition.resources.find(({ name }) => name === at.name)
  if (here && declared?.kind === at.of) return here
  throw new Problem(
    'state-not-found',
    `the file in force on \`${at.lane.name}\` has no \`${at.of}\` resource \`${at.name}\``,
  )
}

const placeOf = ({ pipeline, lane }: OfResource) => ({
  ...{ project_id: pipeline.project_id, project: pipeline.project },
  ...{ pipeline_id: pipeline.id, lane_id: lane.id, lane: lane.name },
})

type Changed = Pick<FieldsBody, 'fields' | 'folder'>

/** The number that a version of state has is none of what it remembers. */
function isSame(before: FieldsBody, { fields, folder }: Changed): boolean {
  if (folder !== undefined && (before.folder ?? null) !== folder) return false
  return differing(before.fields, fields).length === 0
}

function differing(before: FieldsBody['fields'], after: FieldsBody['fields']): string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...keys].filter((key) => own(before, key) !== own(after, key) && key !== 'version').toSorted()
}

/** A key may be called like something that every object has. */
const own = (fields: FieldsBody['fields'], key: string) =>
  Object.hasOwn(fields, key) ? fields[key] : undefined

type Who = { readonly by: string; readonly reason: string | null; readonly restored?: number }

const noteEdit = (db: Trx, version: VersionId, { by, reason, restored }: Who) =>
  db
    .insertInto('version_edits')
    .values({
      ...{ version_id: version, made_by: by, reason },
      restored: restored === undefined ? null : String(restored),
    })
    .execute()

type Noted = {
  readonly before: FieldsBody
  readonly changed: Changed
  readonly was: string | null
  readonly name: string
  readonly reason: string | null
}

/** Parameters are told with their values; a state may hold what is nobody's business, and is told by the names of its keys. */
function noteOnRecord(at: OfResource, { before, changed, was, name, reason }: Noted): void {
  const keys = differing(before.fields, changed.fields)
  const values = (fields: FieldsBody['fields']) =>
    at.of === 'params' ? { set: Object.fromEntries(keys.map((key) => [key, own(fields, key) ?? null])) } : {}
  const told = at.of === 'state' ? { keys, files: changed.folder !== undefined } : {}
  audited({
    before: { lane: at.lane.name, version: was, ...values(before.fields) },
    after: { lane: at.lane.name, version: name, ...values(changed.fields), ...told },
    ...(reason === null ? {} : { reason }),
  })
}
