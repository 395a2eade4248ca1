import { sql } from 'kysely'
import type { DeliveryId, RepositoryId } from '#pipelines/ids.ts'
import { parsePipeline } from '#pipelines/language/parse.ts'
import { laneOf, laneRefusal } from '#pipelines/plan/lanes.ts'
import { definitionOf, projectsOf, type ProjectRow, touchLane } from '../catalog/queries.ts'
import { type FileAtCommit, syncRevision } from '../catalog/sync-revision.ts'
import type { Db, Trx } from '../db/connect.ts'
import type { CommitBody } from '../db/schema.ts'
import { transact, type Tx } from '../db/transact.ts'
import { type Forges, readAt, type Repository } from '../forges/repository.ts'
import { recordCommit } from '../resources/record-version.ts'
import type { Push } from './payloads.ts'

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
type Commit = {
  readonly repository: RepositoryId
  readonly sha: string
  readonly body: CommitBody
  readonly delivery: DeliveryId
}

/**
 * A push becomes versions: the commit is read first (that may take long, and fail), then files, lanes, versions and the
 * delivery's fate are written in one transaction.
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
    // A hosted repository's refs are noted when they are compared, together with the deliveries that came of it.
    if (repository.kind !== 'hosted') await noteRef(tx.db, repository.id, push)
    if (lane === null)
      return settle(tx, { state: 'ignored', reason: `${push.ref} is no branch and no tag`, project: null })
    const projects = await projectsOf(tx.db, repository.id)
    const project = projects[0]?.name ?? null
    if (push.after === null || read === null) {
      const closed = await closeLanes(tx, projects, lane)
      return settle(tx, { state: 'processed', reason: `${lane} is gone; ${closed} closed`, project })
    }
    const commit = {
      repository: repository.id,
      sha: push.after,
      body: { ref: push.ref, ...read.commit },
      delivery: id,
    }
    const results: Result[] = []
    for (const each of projects) results.push(...(await applyToProject(tx, each, { lane, read, commit })))
    results.push(...(await applyToWatchers(tx, projects, commit)))
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
    return [
      {
        recorded: false,
        words: `${project.name}: the commit ${commit.sha.slice(0, 7)} has neither .takt.yml nor .takt/*.yml`,
      },
    ]
  }
  const results: Result[] = []
  for (const file of read.files) {
    results.push(await applyToPipeline(tx, project, { file: { ...file, sha: commit.sha, lane }, commit }))
  }
  return results
}

type FileHere = Omit<FileAtCommit, 'parsed'>

async function applyToPipeline(
  tx: Tx,
  project: ProjectRow,
  { file, commit }: { file: FileHere; commit: Commit },
): Promise<Result> {
  const name = `${project.name}/${file.name}`
  const parsed = parsePipeline(file.text)
  const unheard = parsed.pipeline && laneRefusal(commit.body.ref, parsed.pipeline.triggers)
  if (unheard) return { recorded: false, words: `${name}: ${unheard}` }
  const synced = await syncRevision(tx, project, { ...file, parsed })
  if (!synced.definition)
    return { recorded: false, words: `${name}: ${synced.broken ?? 'not valid'}; there is no good file yet` }
  const note = synced.broken ? `; ${synced.broken}; the last good file stays in force` : ''
  const refusal = laneRefusal(commit.body.ref, synced.definition.triggers)
  if (refusal) return { recorded: false, words: `${name}: ${refusal}${note}` }
  const place = { project: project.name, pipeline: file.name, lane: file.lane }
  const recorded = await recordCommit(tx, { ...place, ...synced, definition: synced.definition }, commit)
  return resultOf(name, file.lane, commit, { recorded, note })
}

function resultOf(
  name: string,
  lane: string,
  commit: Commit,
  { recorded, note }: { recorded: readonly string[]; note: string },
): Result {
  const sha = commit.sha.slice(0, 7)
  if (recorded.length === 0) return { recorded: false, words: `${name}: ${sha} was known on ${lane}${note}` }
  return { recorded: true, words: `${name}: ${recorded.join(', ')} ${sha} on ${lane}${note}` }
}

/** Pipelines of other projects that watch this repository: their default lane gains a version, by the file they have. */
async function applyToWatchers(tx: Tx, own: readonly ProjectRow[], commit: Commit): Promise<Result[]> {
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
    const recorded = await recordCommit(tx, at, commit)
    results.push(resultOf(`${watcher.project}/${watcher.name}`, lane.name, commit, { recorded, note: '' }))
  }
  return results
}

async function noteRef(db: Trx, repository: RepositoryId, { ref, after }: Push): Promise<void> {
  if (after === null) {
    await db.deleteFrom('refs').where('repository_id', '=', repository).where('name', '=', ref).execute()
    return
  }
  await db
    .insertInto('refs')
    .values({ repository_id: repository, name: ref, sha: after })
    .onConflict((oc) =>
      oc.columns(['repository_id', 'name']).doUpdateSet({ sha: after, updated_at: sql<Date>`now()` }),
    )
    .execute()
}

async function closeLanes(tx: Tx, projects: readonly ProjectRow[], lane: string): Promise<string> {
  const closed: string[] = []
  for (const project of projects) {
    const rows = await tx.db
      .updateTable('lanes')
      .from('pipelines')
      .set({ closed_at: sql<Date>`now()` })
      .whereRef('pipelines.id', '=', 'lanes.pipeline_id')
      .where('pipelines.project_id', '=', project.id)
      .where('lanes.name', '=', lane)
      .where('lanes.closed_at', 'is', null)
      .returning('pipelines.name as pipeline')
      .execute()
    for (const { pipeline } of rows) {
      tx.emit({ kind: 'lane.closed', project: project.name, pipeline, lane })
      closed.push(`${project.name}/${pipeline}`)
    }
  }
  return closed.length > 0 ? closed.join(', ') : 'no lane'
}
