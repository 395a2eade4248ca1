import type { Resource } from '#pipelines/language/pipeline.ts'
import { putsOf } from '#pipelines/plan/edges.ts'
import type { RanImage } from '#pipelines/wire/images.ts'
import type { PutAnswer, PutSaid } from '#pipelines/wire/puts.ts'
import { attest, type Notary } from '../attestations/attest.ts'
import { noteImages } from '../runs/ran-images.ts'
import { definitionIn } from '../catalog/definitions.ts'
import type { Tx } from '../db/transact.ts'
import { keepVersion } from '../files/folders.ts'
import { folderMustFit, type Room } from '../files/room.ts'
import { Problem } from '../problem.ts'
import { fieldsOfVersion } from '../resources/fields.ts'
import { newestOnLane, putBefore } from '../resources/newest-on-lane.ts'
import { lockLaneRow, recordOutput } from '../resources/record-output.ts'
import type { LockedRun } from '../runs/lock-run.ts'
import { makeVersion } from './make-version.ts'

/** The kind of a resource, by what a runner says that it has put. */
const KINDS: Readonly<Record<PutSaid['kind'], Resource['kind']>> = {
  image: 'registry',
  git: 'git',
  semver: 'semver',
  params: 'params',
  files: 'files',
  state: 'state',
  custom: 'custom',
}

/**
 * A run has put something: the version that this makes is recorded with all that it starts, and how it came to be is signed.
 *
 * Said twice, it is put once: what an answer was lost of, a runner says again. Where the server counts (`semver`, `params`, `state`)
 * a run therefore makes one version of a resource, whichever of its attempts says so.
 *
 * @param run  Locked, and held by who says it.
 * @throws {Problem} `resource-not-found`, `bad-put` or `state-too-large`.
 */
export async function putVersion(
  tx: Tx,
  run: LockedRun,
  {
    resource: name,
    said,
    images,
    notary,
    room,
  }: {
    readonly resource: string
    readonly said: PutSaid
    readonly images: readonly RanImage[]
    readonly notary: Notary
    readonly room: Room
  },
): Promise<PutAnswer> {
  const resource = await resourceToPut(tx, run, { name, kind: KINDS[said.kind] })
  await noteImages(tx.db, run, images)
  await lockLaneRow(tx.db, run.lane_id)
  const at = { pipeline: run.pipeline_id, lane: run.lane_id, resource: name }
  const before = await putBefore(tx.db, run.id, at)
  const known = before && isCounted(said) ? before : null
  const made = known ?? makeVersion(resource, { said, newest: await newestOnLane(tx.db, at) })
  if (!known) {
    if (resource.kind === 'state') await folderMustFit(tx.db, run, { resource: name, body: made.body, room })
    const version = await recordOutput(tx, run, { resource: name, ...made })
    const fields = fieldsOfVersion(made)
    const built = said.kind === 'image' ? said.built : null
    await attest(tx.db, run.id, { made: { version, resource: name, name: made.name, fields, built }, notary })
    if (resource.kind === 'files') await keepVersion(tx.db, version, resource)
    if (resource.kind === 'state') await keepVersion(tx.db, version, FOR_EVER)
  }
  return { version: made.name, fields: fieldsOfVersion(made) }
}

/** What a state was before is what a job is put back to. */
const FOR_EVER = { keepMs: null, runs: null }

const isCounted = ({ kind }: PutSaid): boolean => kind === 'semver' || kind === 'params' || kind === 'state'

type Wanted = { readonly name: string; readonly kind: Resource['kind'] }

/** The resource, as the run's own revision has it, where its job puts it. */
async function resourceToPut(tx: Tx, run: LockedRun, { name, kind }: Wanted): Promise<Resource> {
  const revision = await definitionIn(tx.db, run.revision_id)
  const resource = revision?.definition.resources.find((each) => each.name === name)
  const job = revision?.definition.jobs.find((each) => each.name === run.job)
  if (!resource || !job)
    throw new Problem('resource-not-found', `there is no resource \`${name}\` in this run's revision`)
  if (!putsOf(job).includes(name))
    throw new Problem('bad-put', `the job \`${job.name}\` does not put \`${name}\``)
  if (resource.kind !== kind)
    throw new Problem('bad-put', `\`${name}\` is a ${resource.kind} resource, and a ${kind} was put`)
  if (run.lane_kind === 'pull_request')
    throw new Problem('bad-put', `\`${run.lane}\` is a pull request's lane: it puts nothing`)
  return resource
}
