import { sql } from 'kysely'
import type { NoticeMessageId } from '#pipelines/ids.ts'
import type { NoticeFacts } from '#pipelines/language/notice-words.ts'
import { laneOfBranch } from '#pipelines/plan/lanes.ts'
import { audited } from '../audit/on-record.ts'
import type { Db } from '../db/connect.ts'
import { toJson } from '../db/to-json.ts'
import { transact } from '../db/transact.ts'
import type { PipelineRow } from '../lines/queries.ts'
import { Problem } from '../problem.ts'
import { placesOf, rulesOf } from './follow.ts'

type Which = { readonly project: string; readonly pipeline: string; readonly id: NoticeMessageId }

/** A message goes out now, with all its attempts before it. @throws {Problem} `notice-sent`. */
export async function retryNotice(db: Db, { project, pipeline, id }: Which): Promise<void> {
  await transact(db, async (tx) => {
    const row = await tx.db
      .selectFrom('notice_messages')
      .select(['state', 'channel', 'destination'])
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirstOrThrow()
    if (row.state === 'sent') throw new Problem('notice-sent', `notice ${id} has arrived already`)
    await tx.db
      .updateTable('notice_messages')
      .set({ state: 'waiting', ended_at: null, due_at: sql<Date>`now()` })
      .where('id', '=', id)
      .execute()
    audited({ target: `notices/${id} (${row.channel} ${row.destination})` })
    tx.emit({ kind: 'notice.changed', project, pipeline, notice: id })
  })
}

/** A message to each place of a rule, which says that it is a test. @throws {Problem} `notice-not-found`. */
export async function tryRule(db: Db, pipeline: PipelineRow, index: number): Promise<NoticeMessageId[]> {
  const rule = (await rulesOf(db, pipeline.id, pipeline.default_branch))[index]
  if (!rule)
    throw new Problem(
      'notice-not-found',
      `the file of ${pipeline.project}/${pipeline.name} has no rule ${index} below \`notify\``,
    )
  const facts: NoticeFacts = {
    ...{ kind: 'alert', project: pipeline.project, pipeline: pipeline.name },
    ...{ lane: laneOfBranch(pipeline.default_branch), job: '', number: '', words: 'tests its notices' },
    ...{ reason: '', title: '', version: '' },
    url: `/p/${encodeURIComponent(pipeline.project)}/${encodeURIComponent(pipeline.name)}`,
  }
  return transact(db, async (tx) => {
    const ids: NoticeMessageId[] = []
    for (const destination of placesOf(rule)) {
      const { channel, login, text: template } = rule
      const { id } = await tx.db
        .insertInto('notice_messages')
        .values({
          ...{ pipeline_id: pipeline.id, channel, destination, login, template, test: true },
          due_at: sql<Date>`now()`,
        })
        .returning('id')
        .executeTakeFirstOrThrow()
      await tx.db
        .insertInto('notices')
        .values({ message_id: id, facts: toJson(facts) })
        .execute()
      tx.emit({ kind: 'notice.changed', project: pipeline.project, pipeline: pipeline.name, notice: id })
      ids.push(id)
    }
    return ids
  })
}
