import { sql } from 'kysely'
import type { z } from 'zod'
import type { Access } from '#pipelines/access/roles.ts'
import type { PullHeadId } from '#pipelines/ids.ts'
import type { PullHeadState } from '#pipelines/states.ts'
import { mayIn } from '../access/grants.ts'
import type { Db } from '../db/connect.ts'
import type { PullHead } from './shapes.ts'

type Shown = z.output<typeof PullHead>
export type PullFilter = {
  readonly project?: string | undefined
  readonly number?: number | undefined
  readonly state?: PullHeadState | undefined
  readonly before?: PullHeadId | undefined
  readonly limit: number
}

/** Commits of forks that somebody was asked about, as far as they are seen, newest first. */
export async function findPulls(db: Db, filter: PullFilter, access: Access): Promise<Shown[]> {
  const { project, number, state, before, limit } = filter
  let heads = db
    .selectFrom('pull_heads')
    .innerJoin('projects', 'projects.id', 'pull_heads.project_id')
    .innerJoin('repositories', 'repositories.id', 'projects.repository_id')
    .select(['pull_heads.id', 'pull_heads.number', 'pull_heads.title', 'pull_heads.author'])
    .select(['pull_heads.base', 'pull_heads.sha as head', 'pull_heads.state', 'pull_heads.decided_by'])
    .select(['pull_heads.comment', 'pull_heads.asked_at', 'pull_heads.closed_at'])
    .select(['projects.name as project', 'repositories.kind', 'repositories.url as repository'])
    .select(mayIn(access, 'approver').as('may'))
    .where(mayIn(access, 'viewer'))
  if (project !== undefined) heads = heads.where('projects.name', '=', project)
  if (number !== undefined) heads = heads.where('pull_heads.number', '=', number)
  if (state !== undefined) heads = heads.where('pull_heads.state', '=', state)
  if (before !== undefined) heads = heads.where('pull_heads.id', '<', before)
  const rows = await heads
    .orderBy(sql`pull_heads.id`, 'desc')
    .limit(limit)
    .execute()
  return rows.map(({ kind, repository, may, asked_at, closed_at, ...head }) => ({
    ...head,
    lane: `pr/${head.number}`,
    url: kind === 'github' ? `${repository.replace(/\.git$/, '')}/pull/${head.number}` : null,
    refusal: head.state === 'waiting' && !may ? 'deciding needs the role approver in the project' : null,
    asked_at: asked_at.toISOString(),
    closed_at: closed_at?.toISOString() ?? null,
  }))
}
