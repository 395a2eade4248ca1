import { sql } from 'kysely'
import { globList } from '#pipelines/language/glob.ts'
import type { Notice } from '#pipelines/language/pipeline.ts'
import type { NoticeFacts } from '#pipelines/language/notice-words.ts'
import type { PipelineId } from '#pipelines/ids.ts'
import { laneOfBranch } from '#pipelines/plan/lanes.ts'
import { definitionOf } from '../catalog/definitions.ts'
import type { Db, Trx } from '../db/connect.ts'
import { toJson } from '../db/to-json.ts'
import { inMs } from '../db/transact.ts'
import { readOn } from '../events/read-on.ts'
import { happeningsOf } from './facts.ts'
import type { Happening } from './happening.ts'

/** What happens together is told together. */
const LEAD_MS = 2_000
/** A place that was just told something is left in peace for so long; what happens meanwhile is gathered. */
export const CALM_MS = 30_000

/**
 * Decide who hears of what has happened since the last look: nothing is told twice, and nothing is passed over, whoever is killed.
 *
 * @returns Whether there may be more.
 */
export const followEvents = (db: Db): Promise<boolean> =>
  readOn(db, 'notice_cursor', async (tx, events) => {
    for (const event of events)
      for (const happening of await happeningsOf(tx, event)) await noteFor(tx, happening)
  })

/**
 * Who is told what: by the default branch's file, whatever the lane. A branch, or somebody's pull request, cannot send word elsewhere,
 * nor have a secret sent there.
 */
export async function rulesOf(
  db: Db | Trx,
  pipeline: PipelineId,
  defaultBranch: string,
): Promise<readonly Notice[]> {
  const lane = await db
    .selectFrom('lanes')
    .select('id')
    .where('pipeline_id', '=', pipeline)
    .where('name', '=', laneOfBranch(defaultBranch))
    .executeTakeFirst()
  return (lane && (await definitionOf(db, lane.id))?.definition.notify) ?? []
}

async function noteFor(db: Trx, happening: Happening): Promise<void> {
  const { pipeline, defaultBranch, facts } = happening
  for (const rule of await rulesOf(db, pipeline, defaultBranch)) {
    const kind = happening.kinds.find((each) => rule.when.includes(each))
    if (kind === undefined || !concerns(rule, happening)) continue
    for (const to of placesOf(rule)) {
      const message = await openMessage(db, { pipeline, rule, to })
      const told: NoticeFacts = { ...facts, kind }
      await db
        .insertInto('notices')
        .values({ message_id: message, facts: toJson(told) })
        .execute()
    }
  }
}

function concerns({ jobs, lanes }: Notice, { facts, isPull }: Happening): boolean {
  if (jobs.length > 0 && facts.job !== '' && !jobs.includes(facts.job)) return false
  return lanes.length === 0 ? !isPull : globList(lanes)(facts.lane)
}

/** Of Slack the address alone may be enough: it stands for a channel. */
export const placesOf = ({ to }: Pick<Notice, 'to'>): readonly string[] => (to.length === 0 ? [''] : to)

type Into = { readonly pipeline: PipelineId; readonly rule: Notice; readonly to: string }

/** The message to a place that is still being gathered, else a new one. */
async function openMessage(db: Trx, { pipeline, rule, to }: Into) {
  const { channel, login, text: template } = rule
  const open = await db
    .selectFrom('notice_messages')
    .select('id')
    .where('pipeline_id', '=', pipeline)
    .where('channel', '=', channel)
    .where('destination', '=', to)
    .where('login', 'is not distinct from', login)
    .where('template', 'is not distinct from', template)
    .where('state', '=', 'waiting')
    .where('attempts', '=', 0)
    .where('test', '=', false)
    .forUpdate()
    .executeTakeFirst()
  if (open) return open.id
  const { id } = await db
    .insertInto('notice_messages')
    .values({
      ...{ pipeline_id: pipeline, channel, destination: to, login, template },
      due_at: sql<Date>`greatest(${inMs(LEAD_MS)}, (
        select max(ended_at) + ${CALM_MS} * interval '1 millisecond' from notice_messages
        where pipeline_id = ${pipeline} and channel = ${channel} and destination = ${to} and not test))`,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}
