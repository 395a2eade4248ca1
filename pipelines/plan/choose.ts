import type { VersionId } from '../ids.ts'
import { ownIn } from '../own-in.ts'
import type { DueRun, Facts, InputFact, VersionFact } from './facts.ts'
import { lacking } from './lacking.ts'
import { suppliers } from './newer.ts'
import { newestSet } from './newest-set.ts'
import { leftOutByWhen } from './pass-through.ts'

/**
 * What a person starts by hand: the newest agreed set that holds the versions they chose, whether or not the job took it before.
 * A version that is chosen outdoes a pin. `if` and `paths` are not asked: a person decides.
 *
 * @param wanted By resource. The facts are those of a look that fixes them.
 * @returns A run, or what is missing, in words.
 */
export function chooseByHand(
  facts: Facts,
  wanted: ReadonlyMap<string, VersionId>,
): DueRun | { readonly problem: string } {
  const { job, lane } = facts
  const leftOut = leftOutByWhen(facts, [lane.kind])
  if (leftOut && leftOutByWhen(facts, ['manual'])) return { problem: leftOut }
  const chosen = [...wanted].map(([resource, id]) => ({ resource, version: find(facts, resource, id) }))
  const unknown = chosen.find(({ version }) => !version)
  if (unknown) return { problem: notThere(facts, unknown.resource) }
  const versions = new Map(
    chosen.flatMap(({ resource, version }) => (version ? [[resource, version] as const] : [])),
  )
  const fixed = { ending: null, versions }
  const set = newestSet(facts, fixed, takenBefore(facts))
  if (!set) return { problem: lacking(facts, fixed).join('; ') }
  const { inputs, upstreams } = set
  return {
    inputs,
    upstreams,
    start: job.start,
    reason: 'started by hand',
    triggers: [],
    advances: false,
    skip: null,
  }
}

const takenBefore = ({ taken }: Facts) => taken && { ...taken, words: `run ${taken.run}` }

function find({ inputs, needs }: Facts, resource: string, id: VersionId): VersionFact | null {
  const input = inputs.find((each) => each.resource === resource)
  if (!input) return null
  const own: InputFact['newest'][] = [input.chosen ?? null, input.newest, input.pin?.version ?? null]
  const vouched = needs.flatMap((need) =>
    need.endings.map((ending) => ownIn(ending.versions, resource) ?? null),
  )
  return [...own, ...vouched].find((version) => version?.id === id) ?? null
}

function notThere({ job, inputs }: Facts, resource: string): string {
  const input = inputs.find((each) => each.resource === resource)
  if (!input) return `${resource} is no input of ${job.name}`
  const by = suppliers(input)
  return by.length > 0
    ? `${by.join(' and ')} passed no such version of ${resource}`
    : `${resource} has no such version on this lane`
}
