import type { PullChange, ShownPull } from '../forges/pull-lists.ts'

/** A pull request as it was told of last: its head, null when it was over, and what decides whether it is run. */
export type KnownPull = { readonly sha: string | null; readonly facts: string | null }
export type PullDifference = { readonly pull: ShownPull; readonly change: PullChange }

export type PullsKnown = {
  readonly known: ReadonlyMap<number, KnownPull>
  /** Nobody has listed them before. */
  readonly isFirst: boolean
}

/** What decides whether a pull request is run, besides its head, as text that is alike where they are. */
export const factsOf = ({ base, draft, labels }: Pick<ShownPull, 'base' | 'draft' | 'labels'>): string =>
  JSON.stringify([base, draft, labels.toSorted()])

/**
 * What befell pull requests that nobody told us of. Those that were open before anybody listed them are no news: only what was told of
 * them once is held against what they are.
 */
export function pullDifferences(
  shown: readonly ShownPull[],
  { known, isFirst }: PullsKnown,
): PullDifference[] {
  return shown.flatMap((pull) => {
    const last = known.get(pull.number)
    const what = last ? changeOf(last, pull) : pull.sha === null || isFirst ? null : ('opened' as const)
    const before = what === 'pushed' ? (last?.sha ?? null) : null
    return what ? [{ pull, change: { what, before } }] : []
  })
}

function changeOf(last: KnownPull, pull: ShownPull): PullChange['what'] | null {
  if (pull.sha === null) return last.sha === null ? null : 'closed'
  if (last.sha === null) return 'reopened'
  if (last.sha !== pull.sha) return 'pushed'
  return last.facts === null || last.facts === factsOf(pull) ? null : 'changed'
}
