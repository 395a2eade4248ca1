import { sql } from 'kysely'
import type { EndingId, RunId, TriggerId, VersionId } from '#pipelines/ids.ts'
import type { Fate, How, Trigger, VersionFact } from '#pipelines/plan/facts.ts'
import { shortName } from '#pipelines/plan/words.ts'
import type { Trx } from '../db/connect.ts'
import type { Place } from './place.ts'
import { heldByEnding } from '../runs/versions-held.ts'

/** How many new triggers one look takes on, and how many of those that wait already. */
const MOST_NEW = 100
const MOST_GATHERED = 500
/** How many of those that lack something are looked at again. */
const MOST_LACKING = 5

type Row = {
  readonly id: TriggerId
  readonly kind: Trigger['kind']
  readonly edge: string
  readonly fate: 'new' | 'gathered' | 'no-run'
  readonly version: VersionId | null
  readonly seq: number
  readonly name: string
  readonly refused: string | null
  readonly ending: EndingId | null
  readonly run: RunId
  readonly how: How
  readonly versions: Readonly<Record<string, VersionFact>>
  readonly ended_refused: string | null
}

/** The open triggers of a job on a lane, oldest first, with those that lacked something; those that nothing can come of any more, with the reason; and whether there are more. */
export type Open = {
  readonly triggers: readonly Trigger[]
  readonly over: readonly Fate[]
  readonly more: boolean
}

export async function openTriggers(
  db: Trx,
  { jobId, laneId }: Pick<Place, 'jobId' | 'laneId'>,
): Promise<Open> {
  const of = (fate: 'new' | 'gathered', most: number) => sql`(
    select * from triggers where job_id = ${jobId} and lane_id = ${laneId} and fate = ${fate} and fate in ('new', 'gathered')
    order by id limit ${most})`
  const lacking = sql`(
    select * from triggers where job_id = ${jobId} and lane_id = ${laneId} and lacks
    order by id desc limit ${MOST_LACKING})`
  const { rows } = await sql<Row>`
    select triggers.id, triggers.kind, triggers.edge, triggers.fate,
      versions.id as version, versions.seq, versions.name, coalesce(${refusal}, ${resourcePaused}) as refused,
      endings.id as ending, endings.run_id as run, endings.how,
      case when endings.id is not null then ${heldByEnding(sql.ref('endings.id'))}::jsonb end as versions,
      (select min(resources.name || ' ' || ${refusal} || E'\\n' || versions.name) from ending_versions held
       join versions on versions.id = held.version_id join resources on resources.id = held.resource_id
       where held.ending_id = endings.id) as ended_refused
    from (${of('new', MOST_NEW)} union all ${of('gathered', MOST_GATHERED)} union all ${lacking}) triggers
    left join versions on versions.id = triggers.version_id
    left join endings on endings.id = triggers.ending_id
    order by triggers.id`.execute(db)
  const count = (fate: string) => rows.filter((row) => row.fate === fate).length
  return {
    triggers: rows.filter((row) => row.ended_refused === null).map(toTrigger),
    over: rows.flatMap((row) => refusedEnding(row)),
    more: count('new') === MOST_NEW || count('gathered') === MOST_GATHERED,
  }
}

/** Beside a row of `versions`: why no job takes it any more, in words; null when jobs may. */
const refusal = sql<string | null>`case
  when versions.disabled_at is not null then
    'was disabled by ' || coalesce((select name from users where id = versions.disabled_by), 'somebody') || ': ' || versions.disabled_reason
  when versions.left_at is not null then 'was left behind by a force-push' end`

/** Beside a row of `versions`: by whom and why its resource is paused, in words; null where it goes. */
const resourcePaused = sql<string | null>`(
  select 'came while it is paused by ' || coalesce((select name from users where id = resources.paused_by), 'somebody') ||
    ': ' || resources.paused_reason
  from resources where resources.id = versions.resource_id and resources.paused_at is not null)`

function toTrigger(row: Row): Trigger {
  const base = { id: row.id, gathered: row.fate === 'gathered' }
  switch (row.kind) {
    case 'version': {
      if (row.version === null) throw new Error(`trigger ${row.id} has no version`)
      const version = { id: row.version, seq: row.seq, name: row.name }
      const refused = row.refused && `${row.edge} ${shortName(row.name)} ${row.refused}`
      return { ...base, kind: 'version', resource: row.edge, version, refused }
    }
    case 'ending': {
      if (row.ending === null) throw new Error(`trigger ${row.id} has no ending`)
      const ending = { id: row.ending, run: row.run, how: row.how, versions: row.versions }
      return { ...base, kind: 'ending', job: row.edge, ending }
    }
    case 'changed':
      return { ...base, kind: 'changed', words: row.edge }
  }
}

/** An ending that holds what no job takes any more can stand in no set. */
function refusedEnding({ id, edge, ended_refused }: Row): Fate[] {
  if (ended_refused === null) return []
  const [words = '', name = ''] = ended_refused.split('\n')
  const [resource = '', ...why] = words.split(' ')
  const reason = `${edge} ended on ${resource} ${shortName(name)}, which ${why.join(' ')}`
  return [{ trigger: id, fate: 'no-run', reason, lacks: false }]
}
