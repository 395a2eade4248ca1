import { sql } from 'kysely'
import type { LaneId, RevisionId } from '#pipelines/ids.ts'
import type { Pipeline } from '#pipelines/language/pipeline.ts'
import type { Db, Trx } from '../db/connect.ts'

/** A revision, and what tells it from those of the same number in other databases. */
export type RevisionMark = { readonly id: RevisionId; readonly mark: string }
export type Definition = { readonly id: RevisionId; readonly definition: Pipeline }

/** Beside a row of `revisions`. */
export const revisionMark = sql<string>`revisions.sha || extract(epoch from revisions.created_at)`

/** Revisions never change: each is read and parsed once, and those asked for last are kept. */
const MOST_KEPT = 200
const kept = new Map<string, Pipeline>()

/** @returns Undefined where the file was not valid. */
export async function definitionAt(
  db: Db | Trx,
  { id, mark }: RevisionMark,
): Promise<Definition | undefined> {
  const key = `${id} ${mark}`
  const definition = kept.get(key) ?? (await readDefinition(db, id))
  if (!definition) return undefined
  kept.delete(key)
  kept.set(key, definition)
  const [oldest] = kept.keys()
  if (kept.size > MOST_KEPT && oldest !== undefined) kept.delete(oldest)
  return { id, definition }
}

async function readDefinition(db: Db | Trx, id: RevisionId): Promise<Pipeline | null> {
  const row = await db.selectFrom('revisions').select('definition').where('id', '=', id).executeTakeFirst()
  return row?.definition ?? null
}

const marks = (db: Db | Trx) => db.selectFrom('revisions').select(['revisions.id', revisionMark.as('mark')])

/** The definition by which a lane runs; undefined while it has no good file. */
export async function definitionOf(db: Db | Trx, lane: LaneId): Promise<Definition | undefined> {
  const row = await marks(db)
    .innerJoin('lanes', 'lanes.revision_id', 'revisions.id')
    .where('lanes.id', '=', lane)
    .executeTakeFirst()
  return row && definitionAt(db, row)
}

/** The definition of a revision; undefined where its file was not valid. */
export async function definitionIn(db: Db | Trx, revision: RevisionId): Promise<Definition | undefined> {
  const row = await marks(db).where('revisions.id', '=', revision).executeTakeFirst()
  return row && definitionAt(db, row)
}
