import { sql } from 'kysely'
import type { EndingId, JobId, LaneId, ResourceId, RunId, VersionId } from '#pipelines/ids.ts'
import { joinOrder, type Known, narrowed } from '#pipelines/plan/closure.ts'
import type { NeedEdge } from '#pipelines/plan/edges.ts'
import type { EndingFact, How, VersionFact } from '#pipelines/plan/facts.ts'
import type { Trx } from '../db/connect.ts'
import { endedLike, newestEnded } from '../db/newest-of.ts'
import type { Place } from './place.ts'
import { heldByEnding, holdsRefused } from '../runs/versions-held.ts'

/** How far back a lane is looked at, for each version that is asked about; and how many endings are passed over on the way. */
const HORIZON = 100
const PASSED_OVER = 1_000

type Row = {
  readonly id: EndingId
  readonly run: RunId
  readonly how: How
  readonly versions: Readonly<Record<string, VersionFact>>
}
export type Endings = ReadonlyMap<string, readonly EndingFact[]>

/** What a look is about: endings that are new, all of one need; no fact in particular; or each need by itself. */
export type Scope = { readonly need: string; readonly endings: readonly EndingFact[] } | null | 'each'

/**
 * For each need the endings that can stand in a set together with what is asked about, newest first: need by need, each through
 * the versions that those before it left over. What it costs does not grow with the history.
 *
 * @param known  What the pins leave.
 */
export async function endingsFor(
  db: Trx,
  place: Place,
  { scopes, known }: { scopes: readonly Scope[]; known: Known },
): Promise<Endings> {
  const found = new Map<string, Map<EndingId, EndingFact>>()
  for (const scope of scopes) {
    const some = await (scope === 'each'
      ? eachByItself(db, place, known)
      : agreeing(db, place, { scope, known }))
    for (const [need, endings] of some) {
      const all = found.get(need) ?? new Map<EndingId, EndingFact>()
      for (const ending of endings) all.set(ending.id, ending)
      found.set(need, all)
    }
  }
  return new Map(
    [...found].map(([need, endings]) => [need, [...endings.values()].toSorted((a, b) => b.id - a.id)]),
  )
}

/** The newest endings of every need, whatever the others hold. */
async function eachByItself(db: Trx, place: Place, known: Known) {
  const found = new Map<string, readonly EndingFact[]>()
  for (const need of place.edges.needs) {
    const id = place.jobs.get(need.job)?.id
    if (id !== undefined)
      found.set(need.job, await probe(db, { place, need, id, shared: pick(known, need.carries) }))
  }
  return found
}

type Agreeing = { readonly scope: Exclude<Scope, 'each'>; readonly known: Known }

async function agreeing(db: Trx, place: Place, { scope, known: pinned }: Agreeing) {
  const found = new Map<string, readonly EndingFact[]>()
  const { needs } = place.edges
  const given = scope && needs.find((need) => need.job === scope.need)
  let known = pinned
  if (scope && given) {
    found.set(given.job, scope.endings)
    if (given.versions === 'same')
      known = narrowed(without(pinned, given.carries), given.carries, scope.endings)
  }
  const order = joinOrder(
    needs.filter((need) => need !== given || need.versions === 'any'),
    [...known.keys()],
  )
  for (const { need: name, shared } of order) {
    const need = needs.find((each) => each.job === name)
    const id = place.jobs.get(name)?.id
    if (!need || id === undefined) continue
    const endings = await probe(db, { place, need, id, shared: pick(known, shared) })
    found.set(name, [...(found.get(name) ?? []), ...endings])
    if (need.versions === 'same') known = narrowed(known, need.carries, endings)
  }
  return found
}

/** What somebody puts is not there where he was passed through; whatever else a job carries, each of its endings holds. */
const isPut = ({ edges }: Place, resource: string) =>
  edges.inputs.some((input) => input.resource === resource && input.isPut)

/** Endings that are given hold what they hold, whatever is pinned: it is for the planner to refuse them. */
const without = (known: Known, resources: readonly string[]): Known =>
  new Map([...known].filter(([resource]) => !resources.includes(resource)))

const pick = (known: Known, resources: readonly string[]): Known =>
  new Map([...known].filter(([resource]) => resources.includes(resource)))

type Probe = {
  readonly place: Place
  readonly need: NeedEdge
  readonly id: JobId
  readonly shared: Known
}

/** The newest endings of a need for each version of the rarest shared resource, as far as the other shared ones agree. */
async function probe(db: Trx, { place, need, id, shared }: Probe): Promise<EndingFact[]> {
  const hows = howsOf(need)
  const sharing = [...shared].flatMap(([name, versions]): Shared[] => {
    const resource = place.resources.get(name)
    return resource === undefined ? [] : [{ name, resource, versions: [...versions] }]
  })
  const [driver, ...others] = sharing.toSorted((a, b) => newestOf(b.versions) - newestOf(a.versions))
  const at = { job: id, lane: place.laneId, hows }
  const { rows } = await (
    !driver
      ? newest(at)
      : isPut(place, driver.name)
        ? sql<Row>`${byVersion(at, driver, others)} union all ${lacking(at, driver, others)}`
        : byVersion(at, driver, others)
  ).execute(db)
  return rows.toSorted((a, b) => b.id - a.id)
}

type Shared = {
  readonly name: string
  readonly resource: ResourceId
  readonly versions: readonly VersionId[]
}
type At = { readonly job: JobId; readonly lane: LaneId; readonly hows: readonly How[] }
const newestOf = (versions: readonly VersionId[]) => Math.max(0, ...versions)

export const howsOf = ({ on }: Pick<NeedEdge, 'on'>): How[] =>
  on.includes('finish') ? ['success', 'failure', 'other'] : on.filter((each) => each !== 'finish')

const columns = sql`endings.id, endings.run_id as run, endings.how, ${heldByEnding(sql.ref('endings.id'))}::jsonb as versions`

/** It holds a wanted version of each resource, or none of it at all: what was passed through puts nothing. */
const agrees = (others: readonly Shared[]) =>
  sql.join(
    others.map(
      ({ resource, versions }) => sql`coalesce((
        select bool_and(other.version_id = any(${versions}::bigint[])) from ending_versions other
        where other.ending_id = endings.id and other.resource_id = ${resource}), true)`,
    ),
    sql` and `,
  )

const andAgrees = (others: readonly Shared[]) => (others.length === 0 ? sql`` : sql`and ${agrees(others)}`)

const byVersion = ({ job, lane, hows }: At, driver: Shared, others: readonly Shared[]) => sql<Row>`
  select ${columns} from unnest(${driver.versions}::bigint[]) as wanted(version)
  cross join lateral (
    select probed.ending_id from ending_versions probed
    join endings on endings.id = probed.ending_id
    where probed.job_id = ${job} and probed.lane_id = ${lane} and probed.version_id = wanted.version
      and endings.how = any(${hows}) ${andAgrees(others)}
      and not ${holdsRefused(sql.ref('endings.id'))}
    order by probed.ending_id desc limit ${HORIZON}
  ) as hit
  join endings on endings.id = hit.ending_id`

const recent = ({ job, lane, hows }: At) => sql`
  unnest(${hows}::text[]) as wanted(how)
  cross join lateral (
    select last.id from (
      select * from endings where ${endedLike(job, lane, sql`wanted.how`)}
      order by ${newestEnded} limit ${PASSED_OVER}
    ) as last
    where not ${holdsRefused(sql.ref('last.id'))}
    order by ${newestEnded} limit ${HORIZON}
  ) as hit
  join endings on endings.id = hit.id`

const newest = (at: At) => sql<Row>`select ${columns} from ${recent(at)}`

const lacking = (at: At, driver: Shared, others: readonly Shared[]) => sql`
  select ${columns} from ${recent(at)}
  where not exists (
    select from ending_versions other
    where other.ending_id = endings.id and other.resource_id = ${driver.resource}
  ) ${andAgrees(others)}`
