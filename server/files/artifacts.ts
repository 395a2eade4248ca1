import type { RunId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import { Problem } from '../problem.ts'

/** What a run left for people: so far one artifact of each kind, named like it. */
export const ARTIFACTS = ['kept', 'state'] as const
export type ArtifactName = (typeof ARTIFACTS)[number]

/** A packed archive of a run, as it lies in the store. */
export type Artifact = {
  readonly name: ArtifactName
  readonly key: string | null
  readonly files: number
  readonly bytes: number
  readonly createdAt: Date
  readonly expiresAt: Date | null
}

/** What a run left; of what has expired the row alone, without a key. */
export async function artifactsOf(db: Db, run: RunId): Promise<Artifact[]> {
  const there = await db.selectFrom('runs').select('id').where('id', '=', run).executeTakeFirst()
  if (!there) throw new Problem('run-not-found', `there is no run ${run}`)
  const columns = ['archives.key', 'archives.files', 'archives.bytes', 'archives.created_at'] as const
  const [kept, state] = await Promise.all([
    db
      .selectFrom('kept')
      .leftJoin('archives', 'archives.id', 'kept.archive_id')
      .select([...columns, 'kept.expires_at'])
      .where('kept.run_id', '=', run)
      .executeTakeFirst(),
    db
      .selectFrom('states')
      .innerJoin('archives', 'archives.id', 'states.archive_id')
      .select([...columns])
      .where('states.run_id', '=', run)
      .executeTakeFirst(),
  ])
  return [
    ...(kept ? [toArtifact('kept', kept, kept.expires_at)] : []),
    ...(state ? [toArtifact('state', state, null)] : []),
  ]
}

/** @throws {Problem} `files-not-found`, naming what there is, or `files-expired`. */
export async function artifactNamed(db: Db, run: RunId, name: string): Promise<Artifact & { key: string }> {
  const all = await artifactsOf(db, run)
  const found = all.find((artifact) => artifact.name === name)
  const words = all.length > 0 ? `it has ${all.map((each) => each.name).join(', ')}` : 'it left none'
  if (!found)
    throw new Problem(
      'files-not-found',
      `run ${run} has no artifact ${JSON.stringify(name.slice(0, 100))}; ${words}`,
    )
  if (found.key === null)
    throw new Problem(
      'files-expired',
      `the artifact \`${name}\` of run ${run} has expired; run it again, or keep it longer with \`keep: { for: … }\``,
    )
  return { ...found, key: found.key }
}

type Row = { key: string | null; files: number | null; bytes: number | null; created_at: Date | null }
const toArtifact = (name: ArtifactName, row: Row, expiresAt: Date | null): Artifact => ({
  name,
  key: row.key,
  files: row.files ?? 0,
  bytes: row.bytes ?? 0,
  createdAt: row.created_at ?? expiresAt ?? new Date(0),
  expiresAt,
})
