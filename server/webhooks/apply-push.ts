import type { DeliveryId, RepositoryId } from '#pipelines/ids.ts'
import { laneOf, laneOfBranch, pullRefusal } from '#pipelines/plan/lanes.ts'
import { isHead } from '#pipelines/plan/order.ts'
import { definitionOf } from '../catalog/definitions.ts'
import { lockLane, projectsOf, type ProjectRow } from '../catalog/queries.ts'
import type { Db } from '../db/connect.ts'
import { transact, type Tx } from '../db/transact.ts'
import type { Forges, Repository } from '../forges/repository.ts'
import { applyToProject, applyToWatchers, type Arrival, type Result } from './apply-to-pipelines.ts'
import { closeLanes } from './close-lanes.ts'
import type { Pull, Push } from './payloads.ts'
import { type Reading, readPush } from './read-push.ts'
import { lockRepository, noteApplied, type Standing, standingOf } from './standing.ts'

type Fate = {
  readonly state: 'processed' | 'ignored'
  readonly reason: string
  readonly project: string | null
}
type Applied = {
  readonly id: DeliveryId
  readonly push: Push
  readonly repository: Repository & { id: RepositoryId; default_branch: string }
}
type Settle = (tx: Tx, fate: Fate) => Promise<void>

/** A ref that moves each time while its history is read is left for the next attempt. */
const MOST_READINGS = 5

/**
 * A push becomes versions: the commit is read first (that may take long, and fail), then files, lanes, versions and the
 * delivery's fate are written in one transaction. A push that is told late, or once more, moves nothing backwards: it adds the
 * version that was missing, in its place, and no more.
 *
 * @throws {GitError} When the commit cannot be read.
 */
export async function applyPush(db: Db, forges: Forges, applied: Applied, settle: Settle): Promise<void> {
  const { push } = applied
  const { pull } = push
  if (laneOf(push.ref) === null)
    return transact(db, (tx) =>
      settle(tx, { state: 'ignored', reason: `${push.ref} is no branch and no tag`, project: null }),
    )
  if (pull?.fork && push.after !== null)
    return transact(db, async (tx) => settle(tx, await forkFate(tx, applied, pull)))
  for (let readings = 0; readings < MOST_READINGS; readings++) {
    if (await readAndWrite(db, forges, applied, settle)) return
  }
  throw new Error(`${push.ref} was moved by somebody else each time its history was read`)
}

/** @returns False when what was known of the ref changed while the commit was read: then nothing was written. */
async function readAndWrite(db: Db, forges: Forges, applied: Applied, settle: Settle): Promise<boolean> {
  const { push, repository } = applied
  const standing = await standingOf(db, repository, applied)
  const reading =
    push.after === null
      ? null
      : await readPush(forges, repository, { push: { ...push, after: push.after }, standing })
  return transact(db, async (tx) => {
    await lockRepository(tx.db, repository)
    const now = await standingOf(tx.db, repository, applied)
    if (JSON.stringify(now) !== JSON.stringify(standing)) return false
    await settle(tx, reading ? await arrive(tx, applied, reading) : await leave(tx, applied, standing))
    return true
  })
}

async function arrive(tx: Tx, { id, push, repository }: Applied, reading: Reading): Promise<Fate> {
  if (isHead(reading.position)) await noteApplied(tx.db, repository, { ref: push.ref, sha: reading.sha, id })
  const projects = await projectsOf(tx.db, repository.id)
  const only = repository.login?.of.project ?? null
  const arrival: Arrival = { repository: repository.id, delivery: id, push, reading, only }
  const results: Result[] = []
  for (const project of projects) results.push(...(await applyToProject(tx, project, arrival)))
  if (!push.pull) results.push(...(await applyToWatchers(tx, arrival, repository.default_branch)))
  return {
    state: results.some((result) => result.recorded) ? 'processed' : 'ignored',
    reason: results.map((result) => result.words).join('; ') || 'no pipeline uses this repository',
    project: projects[0]?.name ?? null,
  }
}

/** The ref is gone: its lanes take no more versions. */
async function leave(tx: Tx, { id, push, repository }: Applied, standing: Standing): Promise<Fate> {
  const lane = laneOf(push.ref) ?? push.ref
  const projects = await projectsOf(tx.db, repository.id)
  const project = projects[0]?.name ?? null
  if (standing.last?.overtakes)
    return { state: 'ignored', reason: `${lane} has been pushed to since`, project }
  await noteApplied(tx.db, repository, { ref: push.ref, sha: null, id })
  const closed = await closeLanes(tx, projects, lane)
  return {
    state: 'processed',
    reason: `${lane} is ${push.pull?.over ?? 'gone'}; ${closed} closed`,
    project,
  }
}

/** Nothing of a fork is read: what becomes of it is said by the files that are in force where it wants to go. */
async function forkFate(tx: Tx, { repository }: Applied, pull: Pull): Promise<Fate> {
  const projects = await projectsOf(tx.db, repository.id)
  const words: string[] = []
  for (const project of projects) words.push(...(await forkWords(tx, project, pull)))
  return {
    state: 'ignored',
    reason:
      words.join('; ') || `pr/${pull.number} comes from a fork, and no file in force says what becomes of it`,
    project: projects[0]?.name ?? null,
  }
}

async function forkWords(tx: Tx, project: ProjectRow, pull: Pull): Promise<string[]> {
  const words: string[] = []
  for (const pipeline of project.pipelines) {
    const name = laneOfBranch(project.default_branch)
    const lane = await lockLane(tx.db, project.id, { pipeline, lane: name })
    const current = lane && (await definitionOf(tx.db, lane.id))
    const refusal = current && pullRefusal(pull, current.definition.triggers)
    if (refusal) words.push(`${project.name}/${pipeline}: pr/${pull.number} ${refusal}`)
  }
  return words
}
