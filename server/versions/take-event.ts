import type { DeliveryId } from '#pipelines/ids.ts'
import type { Tx } from '../db/transact.ts'
import type { LaneNow } from '../resources/commit.ts'
import { insertNewest } from '../resources/insert-newest.ts'
import { hasName } from '../resources/newest-on-lane.ts'
import { triggerByVersions } from '../resources/record-version.ts'

/** Something that happened outside, as its source tells of it. */
export type Told = {
  readonly source: string
  /** The source's own name for it: told twice, it is one version. */
  readonly id: string
  readonly body: unknown
  /** The delivery that brought it. */
  readonly delivery?: DeliveryId
}

/** As much of a body is handed on as fits into the variables of a run. */
const MOST_FIELDS = 200
const MOST_LETTERS = 20_000
const MOST_DEPTH = 10

/** Each text, number and truth of a body under the path that leads to it: `a.b`, and `list.0` into a list. */
export function fieldsOfEvent(body: unknown): Readonly<Record<string, string>> {
  const fields: Record<string, string> = {}
  const walk = (value: unknown, path: readonly string[]): void => {
    if (Object.keys(fields).length >= MOST_FIELDS || path.length > MOST_DEPTH) return
    if (typeof value === 'object' && value !== null)
      return Object.entries(value).forEach(
        ([key, inner]) => /^[A-Za-z0-9_-]{1,100}$/.test(key) && walk(inner, [...path, key]),
      )
    const text = value === null || value === undefined ? '' : String(value)
    if (path.length > 0 && text.length <= MOST_LETTERS) fields[path.join('.')] = text
  }
  walk(body, [])
  return fields
}

/** The resources that gained a version, those that have it already, and why others that listen to the source do not. */
export type Taken = {
  readonly taken: readonly string[]
  readonly known: readonly string[]
  readonly passedOver: readonly string[]
}

/**
 * An event is a version of every resource on the lane that listens to its source, where its body has what the resource asks for. The
 * caller holds the lane's row.
 */
export async function takeEvent(tx: Tx, at: LaneNow, { source, id, body, delivery }: Told): Promise<Taken> {
  const fields = fieldsOfEvent(body)
  const taken: string[] = []
  const known: string[] = []
  const passedOver: string[] = []
  for (const resource of at.definition.resources) {
    if (resource.kind !== 'event' || resource.source !== source) continue
    const unfit = unfitFor(resource, fields)
    if (unfit !== null) {
      passedOver.push(`\`${resource.name}\` asks for ${unfit}`)
      continue
    }
    const where = { pipeline: at.pipelineId, lane: at.laneId, resource: resource.name }
    if (await hasName(tx.db, where, id)) {
      known.push(resource.name)
      continue
    }
    const version = await insertNewest(tx, at, {
      resource: resource.name,
      name: id,
      body: { fields },
      delivery,
    })
    await triggerByVersions(tx, at, new Map([[resource.name, version]]))
    taken.push(resource.name)
  }
  return { taken, known, passedOver }
}

type Asking = { readonly if: Readonly<Record<string, readonly string[]>> }

/** The first condition that a body does not meet, in words; null where it meets all. */
function unfitFor({ if: conditions }: Asking, fields: Readonly<Record<string, string>>): string | null {
  for (const [place, values] of Object.entries(conditions)) {
    const value = fields[place] ?? ''
    if (values.includes(value)) continue
    const found = Object.hasOwn(fields, place) ? `\`${value.slice(0, 100)}\`` : 'nothing'
    return `\`${place}\`: ${values.map((each) => `\`${each}\``).join(' or ')}, and there stands ${found}`
  }
  return null
}
