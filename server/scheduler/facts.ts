import type { VersionId } from '#pipelines/ids.ts'
import type { EndingFact, Facts, InputFact, NeedFact, Trigger, VersionFact } from '#pipelines/plan/facts.ts'
import type { Trx } from '../db/connect.ts'
import { isStrict } from '../runs/strict.ts'
import { activeUpstream } from './active.ts'
import { detailsOf } from './details.ts'
import { type Endings, endingsFor, howsOf, type Scope } from './endings.ts'
import { inputFacts, knownBefore } from './inputs.ts'
import { newestRuns } from '../runs/newest-runs.ts'
import type { Place } from './place.ts'
import { takenSet, usedVersions } from './taken.ts'

/** What is asked about: the triggers that are open; or, by hand, whatever agrees with what a person chose. */
export type About =
  { readonly triggers: readonly Trigger[] } | { readonly chosen: ReadonlyMap<string, VersionFact> }

/**
 * Everything the planner may know of a job on a lane, as far as it bears on what is asked about.
 *
 * A fixed number of queries for each need, none of which grows with the history.
 */
export async function loadFacts(db: Trx, place: Place, about: About): Promise<Facts> {
  const { edges, jobs } = place
  const triggers = 'triggers' in about ? about.triggers : []
  const chosen = 'chosen' in about ? about.chosen : new Map<string, VersionFact>()
  const inputs = (await inputFacts(db, place)).map((input) => ({
    ...input,
    chosen: chosen.get(input.resource) ?? null,
  }))
  const strict = isStrict(edges.job)
  const producers = strict ? edges.producers : []
  const idOf = (name: string) => jobs.get(name)?.id
  const asked = [...edges.needs, ...producers].flatMap(({ job }) => idOf(job) ?? [])
  const newest = await newestRuns(db, asked, place.laneId)
  const active = strict ? await activeUpstream(db, place) : []
  const endings = await endingsFor(db, place, {
    scopes: 'chosen' in about ? [null] : scopesOf(place, triggers),
    known: knownBefore(inputs),
  })
  const standing = (job: string) => {
    const id = idOf(job)
    return { newest: (id !== undefined && newest.get(id)) || null, paused: jobs.get(job)?.paused ?? null }
  }
  const needs = edges.needs.map((need): NeedFact => ({
    ...need,
    ...standing(need.job),
    endings: letThrough(need, endings),
  }))
  const facts = {
    inputs,
    needs,
    active,
    producers: producers.map((producer) => ({ ...producer, ...standing(producer.job) })),
    triggers,
  }
  return {
    job: jobFacts(edges.job),
    project: place.project,
    pipeline: place.pipeline,
    lane: place.lane,
    paused: jobs.get(edges.job.name)?.paused ?? null,
    ...facts,
    taken: await takenSet(db, place),
    used: await usedVersions(db, place, versionsOf(facts, everyOf(inputs))),
    details: await detailsOf(db, edges.job, versionsOf(facts, null)),
  }
}

const jobFacts = ({ name, start, when, if: condition, paths }: Place['edges']['job']): Facts['job'] => ({
  name,
  start,
  when,
  if: condition,
  paths,
})

const letThrough = (need: Place['edges']['needs'][number], endings: Endings): EndingFact[] => {
  const hows = howsOf(need)
  return (endings.get(need.job) ?? []).filter((ending) => hows.includes(ending.how))
}

/** New endings are looked at need by need; where anything else happened, or edges start without agreement, so is the newest of all. */
function scopesOf({ edges }: Place, triggers: readonly Trigger[]): Scope[] {
  const { job, needs } = edges
  if (needs.length === 0 || triggers.length === 0) return []
  const ended = needs.flatMap((need): Scope[] => {
    const endings = triggers.flatMap((each) =>
      each.kind === 'ending' && each.job === need.job ? [each.ending] : [],
    )
    return endings.length > 0 ? [{ need: need.job, endings }] : []
  })
  const modes = new Set([job, ...job.gets, ...job.needs].map(({ start }) => start))
  const free = modes.has('strict') || triggers.some((trigger) => trigger.kind !== 'ending')
  return [...ended, ...(free ? [null] : []), ...(modes.has('immediate') ? ['each' as const] : [])]
}

const everyOf = (inputs: readonly InputFact[]) =>
  inputs.filter((input) => input.get?.every).map((input) => input.resource)

/** The versions that stand in these facts; of some resources, or of all. */
function versionsOf(
  { inputs, needs, triggers }: Pick<Facts, 'inputs' | 'needs' | 'triggers'>,
  resources: readonly string[] | null,
): VersionId[] {
  if (resources?.length === 0) return []
  const wanted = (resource: string) => resources === null || resources.includes(resource)
  const ids = new Set<VersionId>()
  for (const { resource, newest, pin } of inputs) {
    if (!wanted(resource)) continue
    if (newest) ids.add(newest.id)
    if (pin?.version) ids.add(pin.version.id)
  }
  for (const trigger of triggers)
    if (trigger.kind === 'version' && wanted(trigger.resource)) ids.add(trigger.version.id)
  const endings = [
    ...needs.flatMap((need) => need.endings),
    ...triggers.flatMap((trigger) => (trigger.kind === 'ending' ? [trigger.ending] : [])),
  ]
  for (const { versions } of endings)
    for (const [resource, version] of Object.entries(versions)) if (wanted(resource)) ids.add(version.id)
  return [...ids]
}
