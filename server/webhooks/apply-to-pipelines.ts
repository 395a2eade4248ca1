import { sql } from 'kysely'
import type { DeliveryId, RepositoryId, RevisionId } from '#pipelines/ids.ts'
import type { Pipeline, Triggers } from '#pipelines/language/pipeline.ts'
import { followsLane, isGit } from '#pipelines/language/resource.ts'
import { commitRefusal, laneOf, laneOfBranch, laneRefusal, pullRefusal } from '#pipelines/plan/lanes.ts'
import { guardFork } from '#pipelines/plan/guard-fork.ts'
import { isHead, positionWords } from '#pipelines/plan/order.ts'
import { definitionOf } from '../catalog/definitions.ts'
import { subscribe } from '../checks/subscribe.ts'
import { lockLane, type ProjectRow } from '../catalog/queries.ts'
import { reviveTriggers } from '../catalog/triggers.ts'
import { removePipelines } from '../catalog/removals.ts'
import { syncRevision } from '../catalog/sync-revision.ts'
import type { Trx } from '../db/connect.ts'
import type { CommitBody } from '../db/schema.ts'
import type { Tx } from '../db/transact.ts'
import type { Commit, LaneNow } from '../resources/commit.ts'
import type { Admission } from '../pulls/admit.ts'
import { reopenRuns } from '../pulls/lane-runs.ts'
import { seedVersions } from '../resources/seed-versions.ts'
import { recordCommit } from '../resources/record-version.ts'
import { leaveBehind, watching } from '../resources/watching.ts'
import { followJobs } from '../upstreams/follow-jobs.ts'
import type { Push } from './payloads.ts'
import type { FileRead, Paths, Reading } from './read-push.ts'

/** A push that was read, about to be written. */
export type Arrival = {
  readonly repository: RepositoryId
  readonly delivery: DeliveryId
  readonly push: Push
  readonly reading: Reading
  /** The project whose login it was read by: it is nobody else's to know. Null where it is open to everybody. */
  readonly only: string | null
  /** Of a fork's commit: where it may run. */
  readonly admission?: Admission | null
}
export type Result = { readonly recorded: boolean; readonly words: string }

/** The project's own pipelines, as their files are at this commit. */
export async function applyToProject(tx: Tx, project: ProjectRow, arrival: Arrival): Promise<Result[]> {
  const { files, sha } = arrival.reading
  const results = await withoutFile(tx, project, arrival)
  if (files.length === 0) {
    const words = `${project.name}: the commit ${sha.slice(0, 7)} has neither .takt.yml nor .takt/*.yml`
    return [...results, { recorded: false, words }]
  }
  const { admission } = arrival
  for (const file of files)
    if (!admission || admission.targets.has(file.name))
      results.push(await applyToPipeline(tx, project, file, arrival))
  return results
}

/** Pipelines that this commit has no file of any more; of a fork's commit nothing follows for them. */
async function withoutFile(
  tx: Tx,
  project: ProjectRow,
  { push, reading, admission }: Arrival,
): Promise<Result[]> {
  const lane = laneOf(push.ref)
  if (admission || lane === null || !isHead(reading.position)) return []
  const isDefault = lane === laneOfBranch(project.default_branch)
  const at = { id: project.id, project: project.name, lane, isDefault, sha: reading.sha }
  const removed = await removePipelines(tx, { ...at, files: reading.files.map(({ name }) => name) })
  if (isDefault)
    for (const { id, name } of removed) {
      const gone = { project: project.name, pipeline: name, pipelineId: id, definition: null }
      await subscribe(tx, gone)
      await followJobs(tx.db, gone)
    }
  return removed.map(({ name }) => ({
    recorded: false,
    words: `${project.name}/${name}: its file is gone from ${lane}, its history stays`,
  }))
}

async function applyToPipeline(
  tx: Tx,
  project: ProjectRow,
  file: FileRead,
  arrival: Arrival,
): Promise<Result> {
  const { push, reading } = arrival
  const name = `${project.name}/${file.name}`
  const own = file.parsed.pipeline && !arrival.admission ? file.parsed.pipeline.triggers : null
  const unheard = own && unheardWords(push, own)
  if (unheard) return { recorded: false, words: `${name}: ${unheard}` }
  const lane = isHead(reading.position)
    ? await syncRevision(tx, project, { ...asAdmitted(file, arrival), sha: reading.sha, ref: push.ref })
    : await asItIs(tx, project, { pipeline: file.name, ref: push.ref })
  if (!lane.definition)
    return { recorded: false, words: `${name}: ${lane.broken ?? 'not valid'}; there is no good file yet` }
  const note = lane.broken ? `; ${lane.broken}; the last good file stays in force` : ''
  const refusal = arrival.admission ? null : unheardWords(push, lane.definition.triggers)
  if (refusal) return { recorded: false, words: `${name}: ${refusal}${note}` }
  const at = {
    project: project.name,
    pipeline: file.name,
    lane: laneOf(push.ref) ?? push.ref,
    pipelineId: lane.pipelineId,
    laneId: lane.laneId,
    definition: lane.definition,
  }
  const isDefault = at.lane === laneOfBranch(project.default_branch)
  if (isHead(reading.position)) {
    await seedVersions(tx, at, { isDefault })
    if (isDefault) await subscribe(tx, at)
    if (isDefault) await followJobs(tx.db, at)
  }
  const result = await applyToLane(tx, at, arrival, null)
  const again = push.pull && !result.recorded ? await openAgain(tx, project, { at, arrival }) : ''
  const removals = lane.removals.map((words) => `; ${words}`).join('')
  return { ...result, words: result.words + again + note + removals }
}

/** A fork's file with the jobs in it that it has no say in. */
function asAdmitted(
  file: FileRead,
  { admission }: Arrival,
): FileRead & { readonly guardedBy: RevisionId | null } {
  const target = admission?.targets.get(file.name)
  if (!target) return { ...file, guardedBy: null }
  const { pipeline, diagnostics } = file.parsed
  const parsed = pipeline
    ? { diagnostics, pipeline: guardFork(pipeline, target.definition, target.states).pipeline }
    : file.parsed
  return { ...file, parsed, guardedBy: target.revision }
}

type Opening = { readonly at: LaneNow; readonly arrival: Arrival }

/** A pull request that is told of once more, at a commit that is known: where it was closed meanwhile, it goes on. */
async function openAgain(tx: Tx, project: ProjectRow, { at, arrival }: Opening): Promise<string> {
  const { push, reading } = arrival
  if (!push.pull || !isHead(reading.position)) return ''
  await reviveTriggers(tx, [at.laneId])
  const lane = { project: project.id, number: push.pull.number, pipelines: [at.pipeline] }
  const again = await reopenRuns(tx, lane, reading.sha)
  return again.length > 0 ? `; what its closing had ended begins again as ${again.join(', ')}` : ''
}

/** Why a pipeline does not listen to this, in words. */
const unheardWords = ({ ref, pull }: Push, triggers: Triggers): string | null => {
  const refusal = pull ? pullRefusal(pull, triggers) : laneRefusal(ref, triggers)
  return refusal && pull ? `pr/${pull.number} ${refusal}` : refusal
}

/** A late push finds the lane as later ones have made it, and leaves its file alone: one that was closed stays closed. */
async function asItIs(tx: Tx, project: ProjectRow, { pipeline, ref }: { pipeline: string; ref: string }) {
  const lane = await lockLane(tx.db, project.id, { pipeline, lane: laneOf(ref) ?? ref })
  const current = lane && (await definitionOf(tx.db, lane.id))
  if (!lane || !current)
    return { definition: null, broken: 'what came later knows no such line', removals: [] }
  return {
    pipelineId: lane.pipeline_id,
    laneId: lane.id,
    definition: current.definition,
    broken: null,
    removals: [],
  }
}

/**
 * Pipelines that watch the branch as one stream for all their lanes: those of other projects, and of its own where a resource names
 * the branch. Their default lane gains a version, by the file it has.
 */
export async function applyToWatchers(tx: Tx, arrival: Arrival, preset: string): Promise<Result[]> {
  const results: Result[] = []
  for (const watcher of await watchersOf(tx.db, arrival, preset)) {
    const { id, name, project, project_id, default_branch } = watcher
    const lane = laneOfBranch(default_branch)
    const locked = await lockLane(tx.db, project_id, { pipeline: name, lane })
    const current = locked && (await definitionOf(tx.db, locked.id))
    if (!current) continue
    const place = { project, pipeline: name, lane }
    const at = { ...place, pipelineId: id, laneId: locked.id, definition: current.definition }
    const result = await applyToLane(tx, at, arrival, preset)
    if (result.recorded || result.passedOver) results.push(result)
  }
  return results
}

const watchersOf = (db: Trx, { repository, push, only }: Arrival, preset: string) =>
  db
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
    .where('resources.repository_id', '=', repository)
    .$if(only !== null, (query) => query.where('projects.name', '=', only ?? ''))
    .where(sql<boolean>`'refs/heads/' || coalesce(resources.branch, ${preset}) = ${push.ref}`)
    .orderBy('pipelines.id')
    .execute()

/**
 * The versions of one lane: what the commit is passed over for, what it leaves behind, and what is recorded of it.
 *
 * @param preset  Of what comes from outside the lane the branch that a resource without one watches; null for the lane's own commits.
 */
async function applyToLane(
  tx: Tx,
  at: LaneNow,
  arrival: Arrival,
  preset: string | null,
): Promise<Result & { readonly passedOver: boolean }> {
  const { reading } = arrival
  const commit = commitOf(arrival)
  const judged = await judge(tx, at, { arrival, commit, preset })
  const left = await leaveBehind(tx.db, at.laneId, { ...commit, behind: reading.behind })
  const recorded = await recordCommit(tx, at, { ...commit, changed: judged.changed }, preset)
  const [name, sha] = [`${at.project}/${at.pipeline}`, reading.sha.slice(0, 7)]
  const passed = [...new Set(judged.refusals)].join('; ')
  const passedOver = passed !== ''
  const moved = positionWords(reading.position, left)
  if (recorded.length > 0) {
    const but = passedOver ? `; ${passed}` : ''
    return {
      recorded: true,
      passedOver,
      words: `${name}: ${recorded.join(', ')} ${sha} on ${at.lane}${moved}${but}`,
    }
  }
  const why = passedOver ? `no version of ${sha} on ${at.lane}: ${passed}` : `${sha} was known on ${at.lane}`
  return { recorded: false, passedOver, words: `${name}: ${why}${left > 0 ? moved : ''}` }
}

function commitOf({ repository, delivery, push, reading }: Arrival): Commit {
  const { sha, author, message, position, onTheWay } = reading
  const { ref, before, pull } = push
  const body: CommitBody = { ref, message, author, before }
  const forced = position === 'forced' || position === 'back'
  return {
    repository,
    sha,
    delivery,
    body: pull
      ? {
          ...body,
          pull: {
            number: pull.number,
            title: pull.title,
            author: pull.author,
            base: pull.base,
            head: pull.head,
          },
        }
      : body,
    head: isHead(position) ? 'now' : 'before',
    order: { forced, left: position === 'left', onTheWay },
  }
}

type Judged = { readonly arrival: Arrival; readonly commit: Commit; readonly preset: string | null }

/** Of the resources that watch: the paths changed since the newest version of each, and the reasons of those that pass it over. */
async function judge(tx: Tx, at: LaneNow, { arrival, commit, preset }: Judged) {
  const { push, reading } = arrival
  const changed = new Map<string, Paths>()
  const refusals: string[] = []
  for (const { name, newest } of await watching(tx.db, at, commit, preset)) {
    const resource = gitResource(at.definition, name)
    if (!resource || followsLane(resource) !== (preset === null)) continue
    const since = reading.changed.get(isHead(reading.position) ? newest : null) ?? null
    const facts = { ref: push.ref, message: reading.message, changed: since }
    const refusal = newest === reading.sha ? null : commitRefusal(facts, at.definition.triggers, resource)
    if (refusal === null) changed.set(name, since)
    else refusals.push(refusal)
  }
  return { changed, refusals }
}

const gitResource = (definition: Pipeline, name: string) =>
  definition.resources.filter(isGit).find((resource) => resource.name === name)
