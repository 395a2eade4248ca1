import { sql } from 'kysely'
import type { VersionId } from '#pipelines/ids.ts'
import type { InputEdge } from '#pipelines/plan/edges.ts'
import type { InputFact, VersionFact } from '#pipelines/plan/facts.ts'
import { shortName } from '#pipelines/plan/words.ts'
import type { Trx } from '../db/connect.ts'
import { beginsWith } from '../resources/named.ts'
import { laneOfInput, type Place } from './place.ts'

type Row = {
  readonly resource: string
  readonly newest: VersionFact | null
  readonly pinned: VersionFact | null
  readonly pin_refused: boolean | null
  readonly pinned_by: string | null
  readonly pin_reason: string | null
  readonly by_file: VersionFact | null
}

const fact = sql`json_build_object('id', versions.id, 'seq', versions.seq, 'name', versions.name)`
const taken = sql`versions.disabled_at is null and versions.left_at is null`

/** What a job consumes, with the newest version of each that may be taken, and what it is pinned to: by a person, else by the file. */
export async function inputFacts(db: Trx, place: Place): Promise<InputFact[]> {
  const { inputs } = place.edges
  if (inputs.length === 0) return []
  const names = inputs.map((input) => input.resource)
  const ids = names.map((name) => place.resources.get(name) ?? null)
  const lanes = inputs.map((input) => laneOfInput(place, input.shared))
  const pins = inputs.map((input) => input.pin)
  const { rows } = await sql<Row>`
    select asked.resource, newest.version as newest, pinned.version as pinned, pinned.refused as pin_refused,
      pinned.by as pinned_by, pinned.reason as pin_reason, by_file.version as by_file
    from unnest(${names}::text[], ${ids}::bigint[], ${lanes}::bigint[], ${pins}::text[])
      as asked(resource, id, lane, pin)
    left join lateral (
      select ${fact}::jsonb as version from versions
      where resource_id = asked.id and lane_id = asked.lane and ${taken} order by seq desc limit 1
    ) as newest on true
    left join lateral (
      select ${fact}::jsonb as version, not (${taken}) as refused, users.name as by, pins.reason
      from pins join versions on versions.id = pins.version_id left join users on users.id = pins.pinned_by
      where pins.resource_id = asked.id and pins.lane_id in (asked.lane, ${place.laneId})
      order by pins.lane_id = ${place.laneId} desc limit 1
    ) as pinned on true
    left join lateral (
      select ${fact}::jsonb as version from versions
      where resource_id = asked.id and lane_id = asked.lane and ${taken}
        and ${beginsWith(sql`asked.pin`)} and (name = asked.pin or length(asked.pin) >= 7)
      order by name = asked.pin desc, seq desc limit 1
    ) as by_file on asked.pin is not null`.execute(db)
  return inputs.map((input) =>
    toFact(
      input,
      rows.find((row) => row.resource === input.resource),
    ),
  )
}

function toFact(input: InputEdge, row: Row | undefined): InputFact {
  const { shared: _, isPut: __, pin: ___, ...edge } = input
  return { ...edge, newest: row?.newest ?? null, pin: pinOf(input, row) }
}

function pinOf({ resource, pin }: InputEdge, row: Row | undefined): InputFact['pin'] {
  if (row?.pinned) {
    const words = `${resource} is pinned to ${shortName(row.pinned.name)} by ${row.pinned_by ?? 'somebody'}: ${row.pin_reason}`
    return { version: row.pin_refused ? null : row.pinned, words }
  }
  if (pin === null) return null
  return { version: row?.by_file ?? null, words: `${resource} is pinned to ${shortName(pin)} by the file` }
}

/** What is known before anything is looked up: a resource that a person chose a version of has that one, a pinned one its pin. */
export const knownBefore = (inputs: readonly InputFact[]): ReadonlyMap<string, ReadonlySet<VersionId>> =>
  new Map(
    inputs.flatMap(({ resource, pin, chosen }) => {
      const only = chosen ?? pin?.version
      return chosen || pin ? [[resource, new Set(only ? [only.id] : [])] as const] : []
    }),
  )
