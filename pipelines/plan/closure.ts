import type { VersionId } from '../ids.ts'
import { ownIn } from '../own-in.ts'
import type { NeedEdge } from './edges.ts'
import type { EndingFact } from './facts.ts'

/** One look-up of a needed job's endings, and the resources that it shares with what is fixed by then. */
export type LookUp = { readonly need: string; readonly shared: readonly string[] }

/**
 * In which order to look up the endings of needed jobs, so that each shares resources with those before it where that is
 * possible. A need with `versions: any` joins nothing: it comes last and shares nothing.
 *
 * @param needs Those that are to be looked up; without the one whose ending is given already.
 * @param start The resources that the trigger fixes. An `immediate` start agrees on nothing: look up each need by itself.
 */
export function joinOrder(needs: readonly NeedEdge[], start: readonly string[]): LookUp[] {
  const fixed = new Set(start)
  const left = new Set(needs.filter((need) => need.versions === 'same'))
  const order: LookUp[] = []
  while (left.size > 0) {
    const next = [...left]
      .map((need) => ({ need, shared: need.carries.filter((resource) => fixed.has(resource)) }))
      .reduce((most, each) => (each.shared.length > most.shared.length ? each : most))
    left.delete(next.need)
    for (const resource of next.need.carries) fixed.add(resource)
    order.push({ need: next.need.job, shared: next.shared })
  }
  const loose = needs.filter((need) => need.versions === 'any')
  return [...order, ...loose.map((need) => ({ need: need.job, shared: [] }))]
}

/** The versions that can still stand in a set, by resource. A resource that is not here is still free. */
export type Known = ReadonlyMap<string, ReadonlySet<VersionId>>

/**
 * What is known after the endings of one more need have been looked up. An ending that holds no version of a resource (what was
 * passed through puts nothing) goes with all of them, so that the resource stays as free as it was.
 */
export function narrowed(known: Known, carries: readonly string[], endings: readonly EndingFact[]): Known {
  const next = new Map(known)
  for (const resource of carries) {
    const held = endings.map((ending) => ownIn(ending.versions, resource)?.id)
    const ids = held.filter((id) => id !== undefined)
    if (ids.length < held.length) continue
    const before = known.get(resource)
    next.set(resource, new Set(before ? ids.filter((id) => before.has(id)) : ids))
  }
  return next
}

/** Whether an ending goes with what is known: of each resource it shares it holds such a version, or none. */
export const goesWith = (ending: EndingFact, known: Known, shared: readonly string[]): boolean =>
  shared.every((resource) => {
    const held = ownIn(ending.versions, resource)
    return !held || (known.get(resource)?.has(held.id) ?? true)
  })
