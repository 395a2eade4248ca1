import type { DeliveryId, RepositoryId } from '#pipelines/ids.ts'
import { parseForRunning } from '#pipelines/language/parse.ts'
import { laneOf, laneRefusal } from '#pipelines/plan/lanes.ts'
import { definitionOf, lockLane, projectsOf, type ProjectRow, touchLane } from '../catalog/queries.ts'
import { type FileAtCommit, syncRevision } from '../catalog/sync-revision.ts'
import type { Db } from '../db/connect.ts'
import { transact, type Tx } from '../db/transact.ts'
import { type Forges, readAt, type Repository } from '../forges/repository.ts'
import { type Commit, recordCommit } from '../resources/record-version.ts'
import { closeLanes } from './close-lanes.ts'
import type { Push } from './payloads.ts'
import { headOf, noteApplied } from './pushes.ts'

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
type Read = Awaited<ReturnType<typeof readAt>>

/**
 * A push becomes versions: the commit is read first (that may take long, and fail), then files, lanes, versions and the
 * delivery's fate are written in one transaction. A push that is told late, or once more, moves nothing backwards: it adds the
 * version that was missing, in its place, and no more.
 *
 * @throws {GitError} When the commit cannot be read.
 */
export async function applyPush(
  db: Db,
  forges: Forges,
  { id, push, repository }: Applied,
  settle: (tx: Tx, fate: Fate) => Promise<void>,
): Promise<void> {
  const lane = laneOf(push.ref)
  const read = push.after === null || lane === null ? null : await readAt(forges, repository, push.after)
  await transact(db, async (tx) => {
    if (lane === null)
      return settle(tx, { state: 'ignored', reason: `${push.ref} is no branch and no tag`, project: null })
    const head = await headOf(tx.db, repository, { id, push })
    if (head === 'now') await noteApplied(tx.db, repository, { id, push })
    const projects = await projectsOf(tx.db, repository.id)
    const project = projects[0]?.name ?? null
    if (push.after === null || read === null) {
      if (head === 'before')
        return settle(tx, { state: 'ignored', reason: `${lane} has been pushed to since`, project })
      return settle(tx, {
        state: 'processed',
        reason: `${lane} is gone; ${await closeLanes(tx, projects, lane)} closed`,
        project,
      })
    }
    const body = { ref: push.ref, before: push.before, ...read.commit }
    const commit = { repository: repository.id, sha: push.after, body, delivery: id, head }
    const results: Result[] = []
    for (const each of projects) results.push(...(await applyToProject(tx, each, { lane, read, commit })))
    results.push(...(await applyToWatchers(tx, projects, { commit, preset: repository.default_branch })))
    const reason = results.map((result) => result.words).join('; ') || 'no pipeline uses this repository'
    await settle(tx, {
      state: results.some((result) => result.recorded) ? 'processed' : 'ignored',
      reason,
      project,
    })
  })
}

type Result = { readonly recorded: boolean; readonly words: string }

/** The project's own pipelines, as their files are at this commit. */
async function applyToProject(
  tx: Tx,
  project: ProjectRow,
  { lane, read, commit }: { lane: string; read: Read; commit: Commit },
): Promise<Result[]> {
  if (read.files.length === 0) {
    const words = `${project.name}: the commit ${commit.sha.slice(0, 7)} has neither .takt.yml nor .takt/*.yml`
    return [{ recorded: false, words }]
  }
  const results: Result[] = []
  for (const file of read.files) {
    results.push(await applyToPipeline(tx, project, { file: { ...file, sha: commit.sha, lane }, commit }))
  }
  return results
}

type FileHere = Omit<FileAtCommit, 'parsed'>
type Here = { readonly file: FileHere; readonly commit: Commit }

async function applyToPipeline(tx: Tx, project: ProjectRow, { file, commit }: Here): Promise<Result> {
  const name = `${project.name}/${file.name}`
  const parsed = parseForRunning(file.text)
  const unheard = parsed.pipeline && laneRefusal(commit.body.ref, parsed.pipeline.triggers)
  if (unheard) return { recorded: false, words: `${name}: ${unheard}` }
  const lane =
    commit.head === 'now'
      ? await syncRevision(tx, project, { ...file, parsed })
      : await asItIs(tx, project, file)
  if (!lane.definition)
    return { recorded: false, words: `${name}: ${lane.broken ?? 'not valid'}; there is no good file yet` }
  const note = lane.broken ? `; ${lane.broken}; the last good file stays in force` : ''
  const refusal = laneRefusal(commit.body.ref, lane.definition.triggers)
  if (refusal) return { recorded: false, words: `${name}: ${refusal}${note}` }
  const at = {
    project: project.name,
    pipeline: file.name,
    lane: file.lane,
    ...lane,
    definition: lane.definition,
  }
  return resultOf(name, file.lane, commit, { recorded: await recordCommit(tx, at, commit, null), note })
}

/** A late push finds the lane as later ones have made it, and leaves its file alone: one that was closed stays closed. */
async function asItIs(tx: Tx, project: ProjectRow, file: FileHere) {
  const lane = await lockLane(tx.db, project.id, { pipeline: file.name, lane: file.lane })
  const current = lane && (await definitionOf(tx.db, lane.id))
  if (!lane || !current) return { definition: null, broken: 'what came later knows no such line' }
  return { pipelineId: lane.pipeline_id, laneId: lane.id, definition: current.definition, broken: null }
}

type Recorded = { readonly recorded: readonly string[]; readonly note: string }

function resultOf(name: string, lane: string, commit: Commit, { recorded, note }: Recorded): Result {
  const sha = commit.sha.slice(0, 7)
  if (recorded.length === 0) return { recorded: false, words: `${name}: ${sha} was known on ${lane}${note}` }
  const late = commit.head === 'before' ? ', told late: newer ones stay in force' : ''
  return { recorded: true, words: `${name}: ${recorded.join(', ')} ${sha} on ${lane}${late}${note}` }
}

type Watched = { readonly commit: Commit; readonly preset: string }

/** Pipelines of other projects that watch this repository: their default lane gains a version, by the file they have. */
async function applyToWatchers(
  tx: Tx,
  own: readonly ProjectRow[],
  { commit, preset }: Watched,
): Promise<Result[]> {
  const watchers = await tx.db
    .selectFrom('resources')
    .innerJoin('pipelines', 'pipelines.id', 'resources.pipeline_id')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .innerJoin('repositories', 'repositories.id', 'projects.repository_id')
    .select([
      'pipelines.id',
      'pipelines.name',
      'projects.id as project_id',
      'projects.name as project',
      'repositories.default_branch',
    ])
    .distinct()
    .where('resources.repository_id', '=', commit.repository)
    .orderBy('pipelines.id')
    .execute()
  const results: Result[] = []
  for (const watcher of watchers.filter((each) => !own.some((project) => project.id === each.project_id))) {
    const lane = await touchLane(tx.db, watcher.id, watcher.default_branch)
    const current = await definitionOf(tx.db, lane.id)
    if (!current) continue
    const place = { project: watcher.project, pipeline: watcher.name, lane: lane.name }
    const at = { ...place, pipelineId: watcher.id, laneId: lane.id, definition: current.definition }
    const recorded = await recordCommit(tx, at, commit, preset)
    if (recorded.length > 0)
      results.push(resultOf(`${watcher.project}/${watcher.name}`, lane.name, commit, { recorded, note: '' }))
  }
  return results
}
