import type { ProjectId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'

/** The project whose secret signed a delivery. */
export type Addressee = NonNullable<Awaited<ReturnType<typeof addresseeOf>>>

/** @returns Null where it is gone. */
export const addresseeOf = async (db: Db, project: ProjectId) =>
  (await db
    .selectFrom('projects')
    .innerJoin('repositories', 'repositories.id', 'projects.repository_id')
    .select([
      'projects.id',
      'projects.name',
      'projects.organization_id',
      'projects.repository_id',
      'repositories.kind',
      'repositories.url',
    ])
    .where('projects.id', '=', project)
    .executeTakeFirst()) ?? null
