import { sql } from 'kysely'
import type { LaneId, PipelineId, RevisionId } from '#pipelines/ids.ts'
import type { Diagnostic } from '#pipelines/language/diagnostic.ts'
import type { Parsed } from '#pipelines/language/parse.ts'
import type { Pipeline } from '#pipelines/language/pipeline.ts'
import { isGit, type Resource } from '#pipelines/language/resource.ts'
import { laneOfBranch } from '#pipelines/plan/lanes.ts'
import type { Trx } from '../db/connect.ts'
import type { ResourceKind } from '../db/schema.ts'
import { storable, toJson } from '../db/to-json.ts'
import type { Tx } from '../db/transact.ts'
import { normalizeAddress } from '../forges/address.ts'
import { judgeFile } from '../policies/judge-file.ts'
import { Problem } from '../problem.ts'
import { markDirty } from './dirty.ts'
import { noteRemovals } from './removals.ts'
import { gatheringJobs } from './triggers.ts'
import { ensurePipeline, type ProjectRow, touchLane } from './queries.ts'

/** What a pipeline's file at a commit came to. `definition` is null while the lane has no good file at all. */
export type Synced = {
  readonly pipelineId: PipelineId
  readonly laneId: LaneId
  readonly definition: Pipeline | null
  /** Null when the file at this commit is good; else what is wrong with it, in one line. */
  readonly broken: string | null
  /** What the default branch has no more, or has again, in words. */
  readonly removals: readonly string[]
}

export type FileAtCommit = {
  readonly name: string
  readonly path: string
  readonly text: string
  readonly parsed: Parsed
  readonly sha: string
  /** The ref that the commit came by: what makes its lane. */
  readonly ref: string
  /** Of a fork's file: the revision whose guarded jobs it took. */
  readonly guardedBy?: RevisionId | null
}

/**
 * Take note of a pipeline file at a commit of a lane. A good one becomes the lane's revision; a bad one is kept for people to
 * see, and the last good one stays in force (the default lane's, where this lane never had one).
 */
export async function syncRevision(tx: Tx, project: ProjectRow, file: FileAtCommit): Promise<Synced> {
  const pipelineId = await ensurePipeline(tx.db, { project: project.id, name: file.name, path: file.path })
  const lane = await touchLane(tx.db, pipelineId, file.ref)
  const source = storable(file.text)
  const stored = await knownRevision(tx.db, lane.newest_revision_id, {
    source,
    guardedBy: file.guardedBy ?? null,
  })
  // A file that was refused is read anew: its templates may be there by now, and this server may carry out more.
  const known = stored?.pipeline === null && file.parsed.pipeline ? null : stored
  const at = { pipeline: file.name, lane: lane.name, text: source }
  const parsed = known ?? (await judgeFile(tx, project, { ...at, parsed: withAddresses(file.parsed) }))
  const revision = known?.id ?? (await insertRevision(tx.db, pipelineId, file, parsed))
  const valid = parsed.pipeline !== null

  const inForce = valid
    ? revision
    : (lane.revision_id ?? (await defaultRevision(tx.db, pipelineId, project.default_branch)))
  await tx.db
    .updateTable('lanes')
    .set({ revision_id: inForce, newest_revision_id: revision })
    .where('id', '=', lane.id)
    .execute()
  const definition = parsed.pipeline ?? (await definitionAt(tx.db, inForce))
  const removals: string[] = []
  if (!known || inForce !== lane.revision_id) {
    const isDefault = lane.name === laneOfBranch(project.default_branch)
    if (definition) await ensureNames(tx.db, definition, { pipeline: pipelineId, project, isDefault })
    if (parsed.pipeline && isDefault) {
      // Where its file was gone for a while, what it had until then is what it comes back from.
      const before = await definitionAt(tx.db, lane.revision_id ?? lane.newest_revision_id)
      const synced = { pipeline: pipelineId, before, now: parsed.pipeline, sha: file.sha }
      removals.push(...(await noteRemovals(tx.db, synced)))
    }
    // By its new file they may wait for something else, or be none of the lane's jobs any more.
    markDirty(tx, lane.id, await gatheringJobs(tx.db, lane.id))
    tx.emit({
      kind: 'revision.synced',
      project: project.name,
      pipeline: file.name,
      lane: lane.name,
      revision,
      valid,
    })
  }
  return {
    pipelineId,
    laneId: lane.id,
    definition,
    broken: valid ? null : brokenWords(file.path, parsed.diagnostics),
    removals,
  }
}

/** The lane's newest revision, when the file has not changed since. */
async function knownRevision(
  db: Trx,
  id: RevisionId | null,
  { source, guardedBy }: { readonly source: string; readonly guardedBy: RevisionId | null },
): Promise<(Parsed & { id: RevisionId }) | null> {
  if (id === null) return null
  const row = await db
    .selectFrom('revisions')
    .selectAll()
    .where('id', '=', id)
    .where('source', '=', source)
    .where('guarded_by', 'is not distinct from', guardedBy)
    .executeTakeFirst()
  return row ? { id: row.id, pipeline: row.definition, diagnostics: row.diagnostics } : null
}

async function insertRevision(
  db: Trx,
  pipeline: PipelineId,
  file: FileAtCommit,
  parsed: Parsed,
): Promise<RevisionId> {
  const row = await db
    .insertInto('revisions')
    .values({
      pipeline_id: pipeline,
      sha: file.sha,
      source: storable(file.text),
      definition: parsed.pipeline && toJson(parsed.pipeline),
      diagnostics: toJson(parsed.diagnostics),
      guarded_by: file.guardedBy ?? null,
    })
    .onConflict((oc) =>
      oc
        .columns(['pipeline_id', 'sha', 'guarded_by'])
        .doUpdateSet((eb) => ({
          definition: eb.ref('excluded.definition'),
          diagnostics: eb.ref('excluded.diagnostics'),
        }))
        .where('revisions.definition', 'is', null),
    )
    .returning('id')
    .executeTakeFirst()
  const known = db
    .selectFrom('revisions')
    .select('id')
    .where('pipeline_id', '=', pipeline)
    .where('sha', '=', file.sha)
    .where('guarded_by', 'is not distinct from', file.guardedBy ?? null)
  return row?.id ?? (await known.executeTakeFirstOrThrow()).id
}

/** One spelling for each repository named in the file; an address that is refused makes the file a bad one. */
function withAddresses(parsed: Parsed): Parsed {
  if (!parsed.pipeline) return parsed
  try {
    const resources = parsed.pipeline.resources.map((resource) =>
      !isGit(resource) || resource.repository === '.'
        ? resource
        : { ...resource, repository: normalizeAddress(resource.repository).url },
    )
    return { ...parsed, pipeline: { ...parsed.pipeline, resources } }
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    const diagnostic = {
      severity: 'error',
      rule: 'value',
      message: error.detail,
      line: 1,
      column: 1,
      hint: '',
    } as const
    return { pipeline: null, diagnostics: [...parsed.diagnostics, diagnostic] }
  }
}

async function defaultRevision(db: Trx, pipeline: PipelineId, branch: string): Promise<RevisionId | null> {
  const row = await db
    .selectFrom('lanes')
    .select('revision_id')
    .where('pipeline_id', '=', pipeline)
    .where('name', '=', laneOfBranch(branch))
    .executeTakeFirst()
  return row?.revision_id ?? null
}

async function definitionAt(db: Trx, id: RevisionId | null): Promise<Pipeline | null> {
  if (id === null) return null
  const row = await db.selectFrom('revisions').select('definition').where('id', '=', id).executeTakeFirst()
  return row?.definition ?? null
}

type Naming = { readonly pipeline: PipelineId; readonly project: ProjectRow; readonly isDefault: boolean }

/** Jobs and resources keep their rows, and with them their history, from revision to revision: their names are who they are. */
async function ensureNames(
  db: Trx,
  definition: Pipeline,
  { pipeline, project, isDefault }: Naming,
): Promise<void> {
  await db
    .insertInto('jobs')
    .values(definition.jobs.map((job) => ({ pipeline_id: pipeline, name: job.name })))
    .onConflict((oc) => oc.doNothing())
    .execute()
  for (const resource of definition.resources) {
    const place = await placeOf(db, resource, project)
    await db
      .insertInto('resources')
      .values({ pipeline_id: pipeline, name: resource.name, was_state: place.kind === 'state', ...place })
      .onConflict((oc) =>
        oc.columns(['pipeline_id', 'name']).doUpdateSet({
          ...place,
          // What the line remembers is no other kind of thing because a branch, or a fork, says so.
          kind: isDefault
            ? place.kind
            : sql<ResourceKind>`case when resources.was_state then resources.kind else excluded.kind end`,
          was_state: sql<boolean>`resources.was_state or excluded.was_state`,
        }),
      )
      .execute()
  }
}

/** Only what git knows lies in a repository. */
async function placeOf(db: Trx, resource: Resource, project: ProjectRow) {
  if (!isGit(resource)) return { kind: resource.kind, repository_id: null, branch: null }
  const { kind, repository, branch } = resource
  const repository_id = repository === '.' ? project.repository_id : await repositoryAt(db, repository)
  return { kind, repository_id, branch }
}

async function repositoryAt(db: Trx, address: string) {
  const { kind, url } = normalizeAddress(address)
  const row = await db
    .insertInto('repositories')
    .values({ kind, url, forge_id: null })
    .onConflict((oc) => oc.column('url').doUpdateSet({ url }))
    .returning('id')
    .executeTakeFirstOrThrow()
  return row.id
}

function brokenWords(path: string, diagnostics: readonly Diagnostic[]): string {
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === 'error')
  const [first] = errors
  if (!first) return `${path} is not valid`
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
  return `${path}:${first.line}:${first.column}: ${first.message}${more}`
}
