import type { JobId, LaneId, RunId } from '#pipelines/ids.ts'
import { chooseByHand } from '#pipelines/plan/choose.ts'
import type { VersionFact } from '#pipelines/plan/facts.ts'
import type { Db, Trx } from '../db/connect.ts'
import { transact, type Tx } from '../db/transact.ts'
import { Problem } from '../problem.ts'
import { lockJob } from '../runs/create-run.ts'
import type { Person } from '../runs/retry.ts'
import { createLegs, newRun } from './create-due.ts'
import { loadFacts } from './facts.ts'
import { isPlanned, laneOfInput, type Place, placeOf } from './place.ts'

type At = { readonly job: JobId; readonly lane: LaneId }
/** What a person chose: versions by resource, each by its name or a beginning of it, and what the job's form asks for. */
export type Chosen = {
  readonly versions: ReadonlyMap<string, string>
  readonly given: Readonly<Record<string, string>> | null
}
const NOTHING: Chosen = { versions: new Map(), given: null }

/**
 * A person starts a job on the newest inputs on which all its needs agree, whether or not they ran before.
 *
 * @throws {Problem} `job-not-found` when the lane's file has no such job, `version-not-found` when a chosen version is not there,
 *   `no-input` when there is nothing to run with.
 */
export async function startByHand(db: Db, at: At, by: Person, chosen: Chosen = NOTHING): Promise<RunId> {
  return transact(db, async (tx) => {
    const { name } = await lockJob(tx.db, at.job)
    const place = await placeOf(tx.db, at.job, at.lane)
    if (!isPlanned(place))
      throw new Problem('job-not-found', `the lane's present file has no job \`${name}\``)
    return createChosen(tx, place, { by, chosen })
  })
}

async function createChosen(
  tx: Tx,
  place: Place,
  { by, chosen }: { by: Person; chosen: Chosen },
): Promise<RunId> {
  const wanted = await chosenVersions(tx.db, place, chosen.versions)
  const facts = await loadFacts(tx.db, place, { chosen: wanted })
  const due = chooseByHand(facts, new Map([...wanted].map(([name, version]) => [name, version.id])))
  if ('problem' in due) throw new Problem('no-input', `\`${facts.job.name}\` ${due.problem}`)
  const run = newRun(place, due)
  const reason = `started by ${by.name}`
  return createLegs(tx, place, { ...run, reason, createdBy: by.id, given: chosen.given })
}

/** As few letters of a version's name as tell it from others. */
const FEWEST_LETTERS = 4

async function chosenVersions(
  db: Trx,
  place: Place,
  chosen: Chosen['versions'],
): Promise<ReadonlyMap<string, VersionFact>> {
  const found = new Map<string, VersionFact>()
  for (const [resource, name] of chosen)
    found.set(resource, await versionNamed(db, place, { resource, name }))
  return found
}

type Named = { readonly resource: string; readonly name: string }

/** @throws {Problem} `version-not-found`. */
async function versionNamed(db: Trx, place: Place, { resource, name }: Named): Promise<VersionFact> {
  const input = place.edges.inputs.find((each) => each.resource === resource)
  const id = place.resources.get(resource)
  if (!input || id === undefined)
    throw new Problem('version-not-found', `\`${resource}\` is no input of \`${place.edges.job.name}\``)
  const rows = await db
    .selectFrom('versions')
    .select(['id', 'seq', 'name'])
    .where('resource_id', '=', id)
    .where('lane_id', '=', laneOfInput(place, input.shared))
    .where((eb) =>
      eb.or([
        eb('name', '=', name),
        eb(eb.val(name.length >= FEWEST_LETTERS), '=', true).and(
          eb.fn('starts_with', ['name', eb.val(name)]),
          '=',
          true,
        ),
      ]),
    )
    .orderBy((eb) => eb('name', '=', name), 'desc')
    .limit(2)
    .execute()
  const [first, second] = rows
  if (!first)
    throw new Problem('version-not-found', `\`${resource}\` has no version \`${name}\` on ${place.lane.name}`)
  if (second && first.name !== name)
    throw new Problem('version-not-found', `more than one version of \`${resource}\` begins with \`${name}\``)
  return first
}
