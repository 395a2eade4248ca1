import type { DeliveryId, RepositoryId } from '#pipelines/ids.ts'
import { laneOf } from '#pipelines/plan/lanes.ts'
import { isHead } from '#pipelines/plan/order.ts'
import { projectsOf, type ProjectRow } from '../catalog/queries.ts'
import type { Db } from '../db/connect.ts'
import { transact, type Tx } from '../db/transact.ts'
import type { Forges, Repository } from '../forges/repository.ts'
import { admit, type Admission, stopAsking } from '../pulls/admit.ts'
import { endRuns, OVER } from '../pulls/lane-runs.ts'
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
  if (pull?.fork && push.after !== null) {
    const refused = await refusedFork(db, applied, { pull, sha: push.after, settle })
    if (refused) return
  }
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
  for (const project of projects) {
    const admission = push.pull?.fork ? await admissionOf(tx, project, { id, push, pull: push.pull }) : null
    results.push(...(admission?.words ?? []).map((words) => ({ recorded: false, words })))
    results.push(...(await applyToProject(tx, project, { ...arrival, admission })))
  }
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
  const { pull } = push
  if (pull) for (const project of projects) await endPull(tx, project, pull)
  const closed = await closeLanes(tx, projects, lane)
  return {
    state: 'processed',
    reason: `${lane} is ${push.pull?.over ?? 'gone'}; ${closed} closed`,
    project,
  }
}

async function endPull(tx: Tx, project: ProjectRow, { number, over }: Pull): Promise<void> {
  await stopAsking(tx, project, number)
  await endRuns(tx, { project: project.id, number }, OVER[over ?? 'closed'])
}

type OfFork = { readonly pull: Pull; readonly sha: string; readonly settle: Settle }

/** Nothing of a fork is read before it may run somewhere. @returns False when it may; else it is settled. */
async function refusedFork(db: Db, { id, push, repository }: Applied, fork: OfFork): Promise<boolean> {
  const { pull, settle } = fork
  return transact(db, async (tx) => {
    await lockRepository(tx.db, repository)
    const projects = await projectsOf(tx.db, repository.id)
    const words: string[] = []
    for (const project of projects) {
      const admission = await admissionOf(tx, project, { id, push, pull })
      if (admission.targets.size > 0) return false
      words.push(...admission.words)
    }
    const none = `pr/${pull.number} comes from a fork, and no file in force says what becomes of it`
    await settle(tx, {
      state: 'ignored',
      reason: words.join('; ') || none,
      project: projects[0]?.name ?? null,
    })
    return true
  })
}

const admissionOf = (
  tx: Tx,
  project: ProjectRow,
  { id, push, pull }: Pick<Applied, 'id' | 'push'> & { readonly pull: Pull },
): Promise<Admission> => admit(tx, project, { pull, sha: push.after ?? '', delivery: id })
