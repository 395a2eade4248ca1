import { sql } from 'kysely'
import type { PipelineId } from '#pipelines/ids.ts'
import { isRed, isUnfinished, type Verdict } from '#pipelines/statuses/verdict.ts'
import type { Db, Trx } from '../db/connect.ts'
import { storable } from '../db/to-json.ts'
import { inMs } from '../db/transact.ts'
import { log } from '../log.ts'
import { forgeFor, type KnownForge, type ToBeTold } from './forges.ts'
import { type Kind, type Spot, type SpotStanding, standingOf } from './standing.ts'

/** What is green so far is told when nothing more is about to begin, or after so long. */
const SETTLES_MS = 200
const MOST_SETTLING = '5 seconds'
const STILL_MS = 2_000
/** What cannot be looked at is looked at again after so long. */
const ILL_MS = 60_000
/** What changes quickly is told once. */
const CALM = '1 second'

/**
 * Look at a commit that is due, and say how its statuses should stand from now on.
 *
 * @returns True when there may be more to look at now.
 */
export async function lookAtNext(db: Db, forges: readonly KnownForge[]): Promise<boolean> {
  const looked: { due: Due | null } = { due: null }
  try {
    return await db.transaction().execute(async (tx) => {
      const due = await nextDue(tx)
      looked.due = due ?? null
      if (due) await lookAt(tx, forges, due)
      return due !== undefined
    })
  } catch (error) {
    if (!looked.due) throw error
    log.error({ err: error, ...looked.due }, 'status.failed') // it stands in nobody's way meanwhile
    await oneDue(db, looked.due)
      .set({ due_at: inMs(ILL_MS) })
      .execute()
    return true
  }
}

const nextDue = (tx: Trx) =>
  tx
    .selectFrom('status_dues')
    .select(['pipeline_id', 'kind', 'sha'])
    .select(sql<boolean>`since < now() - ${MOST_SETTLING}::interval`.as('long'))
    .where('due_at', '<=', sql<Date>`now()`)
    .orderBy('due_at')
    .limit(1)
    .forUpdate()
    .skipLocked()
    .executeTakeFirst()

const oneDue = (db: Db | Trx, { pipeline_id, kind, sha }: Due) =>
  db
    .updateTable('status_dues')
    .where('pipeline_id', '=', pipeline_id)
    .where('kind', '=', kind)
    .where('sha', '=', sha)

async function lookAt(
  tx: Trx,
  forges: readonly KnownForge[],
  due: Due & { readonly long: boolean },
): Promise<void> {
  const { spot, project, ...repository } = await spotOf(tx, due)
  const at = await forgeFor(tx, forges, { project, repository: { ...repository, id: spot.repositoryId } })
  const standing = at && (await standingOf(tx, spot))
  if (standing && isSettling(standing, due))
    return void (await oneDue(tx, due)
      .set({ due_at: inMs(due.long ? STILL_MS : SETTLES_MS) })
      .execute())
  if (at && standing) await write(tx, spot, { at, standing })
  await tx
    .deleteFrom('status_dues')
    .where('pipeline_id', '=', due.pipeline_id)
    .where('kind', '=', due.kind)
    .where('sha', '=', due.sha)
    .execute()
}

/** That nothing runs for a commit nobody knows before everything was looked at, however long that takes. */
export const isSettling = (
  { isOpen, line: { verdict } }: SpotStanding,
  due: { readonly long: boolean },
): boolean => isOpen && !isUnfinished(verdict) && (!due.long || verdict === 'skipped')

type Due = { readonly pipeline_id: PipelineId; readonly kind: Kind; readonly sha: string }

async function spotOf(tx: Trx, { pipeline_id, kind, sha }: Due) {
  const row = await tx
    .selectFrom('pipelines')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .innerJoin('repositories', 'repositories.id', 'projects.repository_id')
    .select(['projects.id', 'projects.name as project', 'pipelines.name as pipeline'])
    .select(['repositories.id as repositoryId', 'repositories.kind', 'repositories.url'])
    .where('pipelines.id', '=', pipeline_id)
    .executeTakeFirstOrThrow()
  const { id, project, pipeline, repositoryId, ...repository } = row
  return {
    ...repository,
    project: id,
    spot: { pipelineId: pipeline_id, project, pipeline, repositoryId, kind, sha },
  }
}

type Written = { readonly at: ToBeTold; readonly standing: SpotStanding }

async function write(tx: Trx, spot: Spot, { at, standing }: Written): Promise<void> {
  const { line, jobs, lane } = standing
  const query = lane === null ? '' : `?${new URLSearchParams({ lane })}`
  const ref = spot.kind === 'pull_request' ? null : (lane?.replace(/^(?:tag|heads)\//, '') ?? null)
  const path = lane === null ? '/' : `/p/${spot.project}/${spot.pipeline}${query}`
  await put(tx, spot, { ...line, at, ref, path, job: '' })
  const told = await toldJobs(tx, spot)
  for (const each of jobs)
    if (isRed(each.verdict) ? each.verdict !== 'cancelled' || told.has(each.job) : told.has(each.job))
      await put(tx, spot, { ...each, at, ref, path: `/runs/${each.run}` })
}

async function toldJobs(tx: Trx, { pipelineId, sha, kind }: Spot): Promise<ReadonlySet<string>> {
  const rows = await tx
    .selectFrom('statuses')
    .select('job')
    .where('pipeline_id', '=', pipelineId)
    .where('sha', '=', sha)
    .where('kind', '=', kind)
    .where('job', '<>', '')
    .execute()
  return new Set(rows.map(({ job }) => job))
}

const KIND: Readonly<Record<Kind, string>> = { push: '', tag: ' (tag)', pull_request: ' (pull request)' }

/** What a forge shows a status by: the same for each commit, because people demand it of those they merge. */
const nameOf = ({ project, pipeline, kind }: Spot, job: string) =>
  `takt/${project}/${pipeline}${job && `/${job}`}${KIND[kind]}`

type Wanted = {
  readonly at: ToBeTold
  readonly job: string
  readonly verdict: Verdict
  readonly words: string
  readonly path: string
  readonly ref: string | null
}

/** What is as it was is not told again; nor that something goes on, in other words. */
async function put(tx: Trx, spot: Spot, wanted: Wanted): Promise<void> {
  const { at, job, verdict, path, ref } = wanted
  const shown = { verdict, words: storable(wanted.words), path, ref }
  const isCalm = isUnfinished(verdict)
  await tx
    .insertInto('statuses')
    .values({
      ...{ pipeline_id: spot.pipelineId, sha: spot.sha, kind: spot.kind, job },
      ...{ forge: at.forge.name, repository: at.repository, own_token: at.byOwnToken },
      ...{ name: nameOf(spot, job), ...shown },
      ...{ sent_verdict: null, external_id: null, error: null, given_up_at: null, sent_at: null },
    })
    .onConflict((oc) =>
      oc
        .columns(['pipeline_id', 'sha', 'kind', 'job'])
        .doUpdateSet((eb) => ({
          ...shown,
          ...{ forge: at.forge.name, repository: at.repository, own_token: at.byOwnToken },
          ...{ requested: eb('statuses.requested', '+', 1), attempts: 0, error: null, given_up_at: null },
          attempt_after: isCalm ? sql<Date>`now() + ${CALM}::interval` : sql<Date>`now()`,
          changed_at: sql<Date>`case when statuses.sent < statuses.requested then statuses.changed_at else now() end`,
        }))
        .where((eb) =>
          eb.or([
            eb('statuses.verdict', '<>', verdict),
            ...(isCalm ? [] : [eb('statuses.words', '<>', shown.words), eb('statuses.path', '<>', path)]),
          ]),
        ),
    )
    .execute()
}
