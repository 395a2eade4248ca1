import { sql } from 'kysely'
import type { CheckId, PipelineId, RepositoryId } from '#pipelines/ids.ts'
import type { Pipeline } from '#pipelines/language/pipeline.ts'
import { laneOfBranch } from '#pipelines/plan/lanes.ts'
import { definitionOf } from '../catalog/definitions.ts'
import { ofProject } from '../catalog/queries.ts'
import type { Db, Trx } from '../db/connect.ts'
import { toJson } from '../db/to-json.ts'
import { transact, type Tx } from '../db/transact.ts'
import type { LaneNow } from '../resources/commit.ts'
import { type Asking, askingsOf, keyOf } from './questions.ts'

/**
 * A file came into force on the default branch's lane: what it asks is looked for from now on, and what nobody asks any more is not. Null: there is
 * no file any more.
 * Who asks what is being asked already joins in.
 */
export async function subscribe(
  tx: Tx,
  at: Pick<LaneNow, 'project' | 'pipelineId'> & { readonly definition: Pipeline | null },
): Promise<void> {
  const pipeline = at.pipelineId
  const untold = await untoldRepositories(tx.db, pipeline)
  const { project, definition } = at
  const askings = definition ? askingsOf({ project, pipeline, definition, untold }) : []
  // Last, and in the order of their keys: so of two files that ask the same neither waits for the other.
  tx.atEnd(`checks ${pipeline}`, () => write(tx.db, pipeline, askings))
}

async function write(db: Trx, pipeline: PipelineId, askings: readonly Asking[]): Promise<void> {
  const keyed = askings.map((asking) => ({ ...asking, key: keyOf(asking.question) }))
  const before = await db
    .selectFrom('resources')
    .select(['name', 'check_id', 'check_ms'])
    .where('pipeline_id', '=', pipeline)
    .execute()
  const standing = new Map(before.map((row) => [row.name, row]))
  const old = new Set(before.flatMap((row) => row.check_id ?? []))
  await lockChecks(db, { ids: [...old], keys: keyed.map(({ key }) => key) })
  const joined: CheckId[] = []
  for (const { key, question, everyMs, resource } of keyed.toSorted((a, b) => (a.key < b.key ? -1 : 1))) {
    const id = await ensureCheck(db, { key, kind: question.kind, question, everyMs })
    const known = standing.get(resource)
    standing.delete(resource)
    joined.push(id)
    if (known?.check_id === id && known.check_ms === everyMs) continue
    await link(db, pipeline, { resource, id, everyMs })
    if (known?.check_id !== id) await askAtOnce(db, id)
  }
  const rest = [...standing.values()].filter((row) => row.check_id !== null).map(({ name }) => name)
  if (rest.length > 0)
    await db
      .updateTable('resources')
      .set({ check_id: null, check_ms: null })
      .where('pipeline_id', '=', pipeline)
      .where('name', 'in', rest)
      .execute()
  await setPaces(db, [...old, ...joined])
}

/**
 * Those that are there, in the order of their keys: whoever joins one waits till it is known whether the one who leaves was the last,
 * and nobody waits in a circle.
 */
const lockChecks = (
  db: Trx,
  { ids, keys }: { readonly ids: readonly CheckId[]; readonly keys: readonly string[] },
) =>
  sql`select id from checks where id = any(${ids}::bigint[]) or key = any(${keys}::text[]) order by key for update`.execute(
    db,
  )

/** Who has just come knows nothing yet: it is asked at once, and what git servers were told to have is told anew. */
const askAtOnce = (db: Trx, id: CheckId) =>
  db
    .updateTable('checks')
    .set({ due_at: sql<Date>`now()`, seen: sql`case when kind = 'git' then null else seen end` })
    .where('id', '=', id)
    .execute()

type New = { key: string; kind: Asking['question']['kind']; question: Asking['question']; everyMs: number }

const ensureCheck = async (db: Trx, { key, kind, question, everyMs }: New): Promise<CheckId> => {
  const { id } = await db
    .insertInto('checks')
    .values({ key, kind, question: toJson(question), every_ms: everyMs })
    .onConflict((oc) => oc.column('key').doUpdateSet({ kind }))
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

const link = (
  db: Trx,
  pipeline: PipelineId,
  { resource, id, everyMs }: { resource: string; id: CheckId; everyMs: number },
) =>
  db
    .updateTable('resources')
    .set({ check_id: id, check_ms: everyMs })
    .where('pipeline_id', '=', pipeline)
    .where('name', '=', resource)
    .execute()

/** As often as who wants it most often, of those who are left; and what nobody asks any more is no check. */
async function setPaces(db: Trx, ids: readonly CheckId[]): Promise<void> {
  await sql`delete from checks where id = any(${ids}::bigint[])
    and not exists (select from resources where resources.check_id = checks.id)`.execute(db)
  await sql`update checks set every_ms = asked.ms
    from (select check_id, min(check_ms) as ms from resources where check_id = any(${ids}::bigint[]) group by check_id) as asked
    where checks.id = asked.check_id and checks.every_ms <> asked.ms`.execute(db)
}

/** The git resources whose repositories tell nobody of their pushes, as far as is known: no project is tied to them. */
async function untoldRepositories(db: Trx, pipeline: PipelineId): Promise<ReadonlyMap<string, RepositoryId>> {
  const rows = await db
    .selectFrom('resources')
    .innerJoin('repositories', 'repositories.id', 'resources.repository_id')
    .select(['resources.name', 'repositories.id'])
    .where('resources.pipeline_id', '=', pipeline)
    .where('repositories.kind', '<>', 'hosted')
    .where(sql<boolean>`not ${ofProject}`)
    .execute()
  return new Map(rows.map(({ name, id }) => [name, id]))
}

/** At the start of a server: files that came into force before it could look for what they ask. */
export async function subscribeAll(db: Db): Promise<void> {
  const rows = await db
    .selectFrom('pipelines')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .innerJoin('repositories', 'repositories.id', 'projects.repository_id')
    .select(['pipelines.id', 'projects.name as project', 'repositories.default_branch'])
    .where((eb) =>
      eb.exists(
        eb
          .selectFrom('resources')
          .select('resources.id')
          .whereRef('resources.pipeline_id', '=', 'pipelines.id')
          .where('resources.check_id', 'is', null)
          .where('resources.kind', 'in', ['git', 'registry', 'time', 'custom']),
      ),
    )
    .execute()
  for (const { id, project, default_branch } of rows) {
    await transact(db, async (tx) => {
      const lane = await tx.db
        .selectFrom('lanes')
        .select('id')
        .where('pipeline_id', '=', id)
        .where('name', '=', laneOfBranch(default_branch))
        .executeTakeFirst()
      const current = lane && (await definitionOf(tx.db, lane.id))
      if (current) await subscribe(tx, { project, pipelineId: id, definition: current.definition })
    })
  }
}
