import { sql } from 'kysely'
import { laneOfBranch } from '#pipelines/plan/lanes.ts'
import type { SourceEventId, SourceId } from '#pipelines/ids.ts'
import { ownIn } from '#pipelines/own-in.ts'
import { definitionOf } from '../catalog/definitions.ts'
import { findProject, lockLane } from '../catalog/queries.ts'
import type { Db } from '../db/connect.ts'
import type { SourceSettings } from '../db/source-tables.ts'
import { inMs, transact } from '../db/transact.ts'
import { log } from '../log.ts'
import { takeEvent, type Told } from '../versions/take-event.ts'

type Due = {
  readonly id: SourceEventId
  readonly source: SourceId
  readonly event: string
  readonly payload: string
  readonly attempts: number
  readonly name: string
  readonly settings: SourceSettings
  readonly kind: 'redis' | 'kafka'
  readonly project: string
}

const MOST_ATTEMPTS = 3
/** So long nobody else looks at what is being looked at. */
const LOOK_MS = 30_000
/** So many of the last ones of a source are kept, of those that came to nothing as well. */
const KEPT = 1_000

/** Look at the event that came first: events of one source one after the other. @returns Whether there was one. */
export async function settleNext(db: Db): Promise<boolean> {
  const due = await claimNext(db)
  if (!due) return false
  const read = bodyOf(due)
  if ('problem' in read) await settle(db, due, { state: 'dead', reason: read.problem })
  else await attempt(db, due, { source: due.name, id: due.event, body: read.body })
  return true
}

async function claimNext(db: Db): Promise<Due | undefined> {
  const { rows } = await sql<Due>`
    with mine as (
      update source_events set attempts = attempts + 1, attempt_after = now() + ${LOOK_MS} * interval '1 millisecond'
      where id = (
        select id from source_events first where state = 'received' and attempt_after <= now() and not exists (
          select from source_events before where before.source_id = first.source_id and before.state = 'received'
            and before.id < first.id)
        order by id limit 1 for update skip locked)
      returning *)
    select mine.id, mine.source_id as source, mine.event, mine.payload, mine.attempts, sources.name, sources.settings,
      sources.kind, projects.name as project
    from mine join sources on sources.id = mine.source_id join projects on projects.id = sources.project_id`.execute(
    db,
  )
  return rows[0]
}

/** What a stream handed out, as an event: an object. */
function bodyOf({ payload, kind, settings }: Due): { body: unknown } | { problem: string } {
  const fields = readObject(payload)
  if (kind === 'kafka') return fields ? { body: fields } : { problem: 'the message is no JSON object' }
  if (settings.field === null) return { body: fields ?? {} }
  const text = ownIn(fields, settings.field)
  if (typeof text !== 'string') return { problem: `the entry has no field \`${settings.field}\`` }
  const body = readObject(text)
  return body ? { body } : { problem: `the field \`${settings.field}\` holds no JSON object` }
}

function readObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const read: unknown = JSON.parse(text)
    return typeof read === 'object' && read !== null && !Array.isArray(read)
      ? (read as Record<string, unknown>)
      : null
  } catch {
    return null // a syntax error is the answer
  }
}

async function attempt(db: Db, due: Due, told: Told): Promise<void> {
  try {
    const taken = await takeInProject(db, due.project, told)
    const reason =
      taken.length > 0
        ? `a version of ${taken.map((each) => `\`${each}\``).join(', ')}`
        : `no \`event\` resource asks for this of the source \`${due.name}\``
    await settle(db, due, { state: taken.length > 0 ? 'taken' : 'ignored', reason })
  } catch (error) {
    log.error({ err: error, event: due.id }, 'source-event.failed')
    const words = `it could not be written down ${due.attempts} times; the server’s log says why`
    if (due.attempts >= MOST_ATTEMPTS) await settle(db, due, { state: 'dead', reason: words })
    else await retryLater(db, due)
  }
}

/** Told twice it is one version, and each pipeline is its own transaction: whoever is killed in between goes on with the rest. */
async function takeInProject(db: Db, name: string, told: Told): Promise<string[]> {
  const project = await findProject(db, name)
  if (!project) return []
  const lane = laneOfBranch(project.default_branch)
  const taken: string[] = []
  for (const pipeline of project.pipelines) {
    await transact(db, async (tx) => {
      const locked = await lockLane(tx.db, project.id, { pipeline, lane })
      const current = locked && (await definitionOf(tx.db, locked.id))
      if (!locked || !current) return
      const at = { project: name, pipeline, lane, pipelineId: locked.pipeline_id, laneId: locked.id }
      const { taken: now, known } = await takeEvent(tx, { ...at, definition: current.definition }, told)
      taken.push(...[...now, ...known].map((resource) => `${pipeline}/${resource}`))
    })
  }
  return taken
}

const retryLater = (db: Db, { id, attempts }: Due) =>
  db
    .updateTable('source_events')
    .set({ attempt_after: inMs(1_000 * 5 ** (attempts - 1)) })
    .where('id', '=', id)
    .execute()

type Fate = { readonly state: 'taken' | 'ignored' | 'dead'; readonly reason: string }

async function settle(db: Db, { id, source, project, name }: Due, { state, reason }: Fate): Promise<void> {
  await transact(db, async (tx) => {
    await tx.db
      .updateTable('source_events')
      .set({ state, reason: reason.slice(0, 1_000), settled_at: sql<Date>`now()` })
      .where('id', '=', id)
      .where('state', '=', 'received')
      .execute()
    // What is taken is told of as a version, and what is ignored concerns nobody.
    if (state === 'dead') tx.emit({ kind: 'source.changed', project, source: name })
  })
  if (id % 50 === 0) await forget(db, source)
}

const forget = (db: Db, source: SourceId) =>
  sql`delete from source_events using (
      select id, row_number() over (partition by state = 'dead' order by id desc) as nth
      from source_events where source_id = ${source} and state <> 'received') old
    where source_events.id = old.id and old.nth > ${KEPT}`.execute(db)
