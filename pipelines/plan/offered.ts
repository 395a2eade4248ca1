import { ownIn } from '../own-in.ts'
import type { DueInput, EndingFact, Facts, InputFact, NeedFact, Trigger } from './facts.ts'
import { isLater } from './newest-join.ts'
import { rankOf, suppliers, type Taken } from './newer.ts'
import { compareEndings, type InputSet, insists, isPinnedToNothing, NOTHING_FIXED } from './newest-set.ts'

/**
 * The newest that each edge offers by itself, with no agreement among them: what an `immediate` start takes.
 *
 * @returns The input that has no version, where there is one.
 */
export function newestOffered(
  facts: Facts,
  trigger: Trigger,
  taken: Taken | null,
): InputSet | { readonly missing: InputFact } {
  const offers = facts.inputs.map((input) => ({ input, offer: offerOf(facts, input, trigger) }))
  const missing = offers.find(({ input, offer }) => !offer && (insists(facts, input) || input.pin))
  if (missing) return { missing: missing.input }
  const inputs = offers.flatMap(({ offer }) => (offer ? [offer] : []))
  const upstreams = facts.needs.flatMap((need) => {
    const [newest] = endingsOf(facts, need, trigger)
    return newest ? [{ job: need.job, run: newest.run }] : []
  })
  return { inputs, upstreams, rank: rankOf(facts, inputs, taken) }
}

/** The newest version that a need vouches for, or the lane's own where none ever did. */
function offerOf(facts: Facts, input: InputFact, trigger: Trigger): DueInput | null {
  const { resource, pin, newest } = input
  if (isPinnedToNothing(input, NOTHING_FIXED)) return null
  const by = suppliers(input)
  const vouched = facts.needs
    .filter((need) => by.includes(need.job))
    .flatMap((need) => newestHeld(endingsOf(facts, need, trigger), resource) ?? [])
  const brought = trigger.kind === 'version' && trigger.resource === resource ? [trigger.version] : []
  const versions = [...vouched.map(({ version }) => version), ...(by.length > 0 ? brought : [])]
  const version = versions.toSorted((a, b) => b.seq - a.seq)[0] ?? pin?.version ?? newest
  if (!version) return null
  const runs = vouched.filter((each) => each.version.id === version.id).map(({ run }) => run)
  return { resource, version, via: runs.toSorted((a, b) => a - b) }
}

/** Of endings, newest first, the newest version of a resource, and the first of the runs that hold it. */
function newestHeld(endings: readonly EndingFact[], resource: string) {
  const held = endings.flatMap(({ run, versions }) => {
    const version = ownIn(versions, resource)
    return version ? [{ run, version }] : []
  })
  return held.toSorted((a, b) => b.version.seq - a.version.seq)[0]
}

/** The endings of a need that contradict no pin, newest first; of two that are as new the trigger's own. */
const endingsOf = (facts: Facts, need: NeedFact, trigger: Trigger): EndingFact[] =>
  need.endings
    .filter((ending) =>
      facts.inputs.every((input) => {
        const held = ownIn(ending.versions, input.resource)
        const isAsked = suppliers(input).includes(need.job)
        return !isAsked || !input.pin || !held || held.id === input.pin.version?.id
      }),
    )
    .toSorted((a, b) => {
      const order = compareEndings(facts, b, a)
      if (order !== 0) return order
      if (trigger.kind === 'ending' && b.id === trigger.ending.id) return 1
      if (trigger.kind === 'ending' && a.id === trigger.ending.id) return -1
      return isLater(a, b) ? -1 : 1
    })
