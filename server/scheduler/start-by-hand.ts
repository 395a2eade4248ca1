import { sql } from 'kysely'
import type { JobId, LaneId, RunId } from '#pipelines/ids.ts'
import { fillForm } from '#pipelines/language/form-values.ts'
import { chooseByHand } from '#pipelines/plan/choose.ts'
import type { VersionFact } from '#pipelines/plan/facts.ts'
import type { Db, Trx } from '../db/connect.ts'
import { transact, type Tx } from '../db/transact.ts'
import { Problem } from '../problem.ts'
import { beginsWith } from '../resources/named.ts'
import { lockJob } from '../runs/create-run.ts'
import type { Wish } from '../runs/retry.ts'
import { createLegs } from '../runs/create-legs.ts'
import { keepFacts, newRun } from './create-due.ts'
import { loadFacts } from './facts.ts'
import { isPlanned, laneOfInput, type Place, placeOf } from './place.ts'

type At = { readonly job: JobId; readonly lane: LaneId }
/** What a person chose: versions by resource, each by its name or a beginning of it, and what the job's form asks for. */
export type Chosen = {
  readonly versions: ReadonlyMap<string, string>
  readonly given: Readonly<Record<string, unknown>> | null
  /** Why it runs, in words; without it who started it. */
  readonly reason?: string
}
const NOTHING: Chosen = { versions: new Map(), given: null }

/**
 * A person starts a job on the newest inputs on which all its needs agree, whether or not they ran before.
 *
 * @throws {Problem} `job-not-found` when the lane's file has no such job, `version-not-found` when a chosen version is not there,
 *   `version-ambiguous` when several begin like it, `bad-input` when the form is not filled in rightly, `no-input` when there is
 *   nothing to run with.
 */
export async function startByHand(db: Db, at: At, by: Wish, chosen: Chosen = NOTHING): Promise<RunId> {
  return transact(db, (tx) => startIn(tx, at, by, chosen))
}

/** The same within a transaction, and without a person where nobody in particular starts it: its reason says what does. */
export async function startIn(tx: Tx, at: At, by: Wish | null, chosen: Chosen): Promise<RunId> {
  const { name } = await lockJob(tx.db, at.job)
  const place = await placeOf(tx.db, at.job, at.lane)
  if (!isPlanned(place)) throw new Problem('job-not-found', `the lane's present file has no job \`${name}\``)
  return createChosen(tx, place, { by, chosen })
}

async function createChosen(
  tx: Tx,
  place: Place,
  { by, chosen }: { by: Wish | null; chosen: Chosen },
): Promise<RunId> {
  const wanted = await chosenVersions(tx.db, place, chosen.versions)
  const facts = await loadFacts(tx.db, place, { chosen: wanted })
  const due = chooseByHand(facts, new Map([...wanted].map(([name, version]) => [name, version.id])))
  if ('problem' in due) throw new Problem('no-input', `\`${facts.job.name}\` ${due.problem}`)
  const run = newRun(place, due)
  const given = filledIn(place, chosen.given)
  const reason = chosen.reason ?? `started by ${by?.name ?? 'nobody in particular'}`
  const wish = { reason, createdBy: by?.id ?? null, given, holdMs: by?.holdMs ?? 0 }
  const first = await createLegs(tx, place.edges.job.matrix, { ...run, ...wish })
  await keepFacts(tx.db, first, facts)
  return first
}

/** @throws {Problem} `bad-input`. */
function filledIn(
  { edges: { job } }: Place,
  given: Chosen['given'],
): Readonly<Record<string, string>> | null {
  if (job.inputs.length === 0 && given === null) return null
  const filled = fillForm(job.inputs, given ?? {})
  if ('values' in filled) return filled.values
  const words = filled.problems.map(({ field, message }) => `${field}: ${message}`).join('; ')
  throw new Problem('bad-input', words, { problems: filled.problems })
}

/**
 * The job of a run once more on its lane, on the newest inputs that agree now, with what was filled in then.
 *
 * @throws {Problem} `run-not-found`, and whatever a start by hand is refused with.
 */
export async function runWithNewest(db: Db, id: RunId, by: Wish): Promise<RunId> {
  const run = await db
    .selectFrom('runs')
    .select(['job_id', 'lane_id', 'number', 'given'])
    .where('id', '=', id)
    .executeTakeFirst()
  if (!run) throw new Problem('run-not-found', `there is no run ${id}`)
  const reason = `#${run.number} with the newest versions, by ${by.name}`
  const at = { job: run.job_id, lane: run.lane_id }
  return startByHand(db, at, by, { versions: new Map(), given: run.given, reason })
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
    .where(beginsWith(name))
    .where(sql<boolean>`(name = ${name} or ${name.length >= FEWEST_LETTERS})`)
    .orderBy((eb) => eb('name', '=', name), 'desc')
    .limit(2)
    .execute()
  const [first, second] = rows
  if (!first)
    throw new Problem('version-not-found', `\`${resource}\` has no version \`${name}\` on ${place.lane.name}`)
  if (second && first.name !== name)
    throw new Problem('version-ambiguous', `several versions of \`${resource}\` begin with \`${name}\``)
  return first
}
