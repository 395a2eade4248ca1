import { sql } from 'kysely'
import type { z } from 'zod'
import type { NoticeMessageId, ProjectId } from '#pipelines/ids.ts'
import { noticeText } from '#pipelines/language/notice-words.ts'
import { OUTSIDE } from '#pipelines/plan/secret-scopes.ts'
import type { Db } from '../db/connect.ts'
import { chooseSecrets } from '../secrets/open.ts'
import { secretNameOf } from './deliver.ts'
import { placesOf, rulesOf } from './follow.ts'
import type { Notice, NoticeRule } from './shapes.ts'

export type NoticeFilter = {
  readonly id?: NoticeMessageId
  readonly pipeline?: string | undefined
  readonly state?: 'waiting' | 'sent' | 'dead' | undefined
  readonly before?: NoticeMessageId | undefined
  readonly limit: number
}
type Shown = z.output<typeof Notice>
const SHOWN_ITEMS = 20

/** Messages of a project, newest first. */
export async function findNotices(db: Db, project: ProjectId, filter: NoticeFilter): Promise<Shown[]> {
  let found = db
    .selectFrom('notice_messages')
    .innerJoin('pipelines', 'pipelines.id', 'notice_messages.pipeline_id')
    .selectAll('notice_messages')
    .select('pipelines.name as pipeline')
    .select(
      sql<number>`(select count(*)::int from notices where message_id = notice_messages.id)`.as('count'),
    )
    .where('pipelines.project_id', '=', project)
  if (filter.id !== undefined) found = found.where('notice_messages.id', '=', filter.id)
  if (filter.pipeline !== undefined) found = found.where('pipelines.name', '=', filter.pipeline)
  if (filter.state !== undefined) found = found.where('notice_messages.state', '=', filter.state)
  if (filter.before !== undefined) found = found.where('notice_messages.id', '<', filter.before)
  const rows = await found.orderBy('notice_messages.id', 'desc').limit(filter.limit).execute()
  const ids = rows.map(({ id }) => id)
  const items = await itemsOf(db, ids)
  const attempts = await attemptsOf(db, ids)
  return rows.map((row) => ({
    ...{ id: row.id, pipeline: row.pipeline, channel: row.channel, destination: row.destination },
    ...{ state: row.state, test: row.test, count: row.count, error: row.error },
    items: (items.get(row.id) ?? []).map(({ facts, at }) => ({
      ...{ kind: facts.kind, url: facts.url, at: at.toISOString() },
      text: noticeText(facts, row.template),
    })),
    attempts: (attempts.get(row.id) ?? []).map(({ message_id, at, ...attempt }) => ({
      ...attempt,
      at: at.toISOString(),
    })),
    due_at: row.state === 'waiting' ? row.due_at.toISOString() : null,
    created_at: row.created_at.toISOString(),
    ended_at: row.ended_at?.toISOString() ?? null,
  }))
}

async function itemsOf(db: Db, ids: readonly NoticeMessageId[]) {
  if (ids.length === 0) return new Map<NoticeMessageId, never[]>()
  const rows = await db
    .selectFrom('notices')
    .select(['message_id', 'facts', 'at'])
    .where('message_id', 'in', [...ids])
    .where(
      sql<boolean>`(select count(*) from notices older
        where older.message_id = notices.message_id and older.id < notices.id) < ${SHOWN_ITEMS}`,
    )
    .orderBy('id')
    .execute()
  return Map.groupBy(rows, ({ message_id }) => message_id)
}

async function attemptsOf(db: Db, ids: readonly NoticeMessageId[]) {
  if (ids.length === 0) return new Map<NoticeMessageId, never[]>()
  const rows = await db
    .selectFrom('notice_attempts')
    .selectAll()
    .where('message_id', 'in', [...ids])
    .orderBy('number')
    .execute()
  return Map.groupBy(rows, ({ message_id }) => message_id)
}

type Pipeline = {
  readonly id: Parameters<typeof rulesOf>[1]
  readonly name: string
  readonly project_id: ProjectId
  readonly default_branch: string
}

/** Who is told of what in a pipeline, and what is missing for it. */
export async function listRules(
  db: Db,
  pipeline: Pipeline,
  { sendsMail }: { readonly sendsMail: boolean },
): Promise<z.output<typeof NoticeRule>[]> {
  const rules = await rulesOf(db, pipeline.id, pipeline.default_branch)
  return Promise.all(
    rules.map(async ({ channel, to, when, jobs, lanes, login }, index) => {
      const needed = placesOf({ to })
        .map((destination) => secretNameOf({ channel, destination, login }))
        .find((name) => name !== null)
      return {
        ...{ pipeline: pipeline.name, index, channel, to: [...to], when: [...when], jobs: [...jobs] },
        ...{ lanes: [...lanes], login: needed ?? null },
        lacks:
          channel === 'email' && !sendsMail
            ? 'the server sends no mail: who runs it sets TAKT_SMTP_URL and TAKT_MAIL_FROM'
            : needed && !(await hasSecret(db, pipeline.project_id, needed))
              ? `the secret ${needed}, for every run, is not set`
              : null,
      }
    }),
  )
}

async function hasSecret(db: Db, project: ProjectId, name: string): Promise<boolean> {
  const chosen = await chooseSecrets(db, { project, names: [name], asking: OUTSIDE })
  return (chosen.get(name)?.chosen ?? null) !== null
}
