/** A ref that does not point where we were told it does. */
export type Difference = {
  readonly ref: string
  readonly before: string | null
  /** Null: it is gone. */
  readonly after: string | null
}

export type RefsKnown = {
  /** Where each ref pointed by the last push that was made something of; null where it was gone. */
  readonly applied: ReadonlyMap<string, string | null>
  /** Where each pointed when they were compared last. */
  readonly seen: ReadonlyMap<string, string>
  /** Nobody has compared them before. */
  readonly isFirst: boolean
  /** The default branch's ref. */
  readonly main: string
}

/**
 * What nobody told us of. A ref that was seen so before was told of then, and has become a version or was set aside with its reason. What
 * was there before anybody compared is no news, but for the default branch: the line begins with it.
 */
export function differencesOf(
  now: ReadonlyMap<string, string>,
  { applied, seen, isFirst, main }: RefsKnown,
): Difference[] {
  const found: Difference[] = []
  for (const [ref, after] of now) {
    const last = applied.get(ref)
    const isOld = isFirst && last === undefined && ref !== main
    if (last === after || seen.get(ref) === after || isOld) continue
    found.push({ ref, before: last ?? seen.get(ref) ?? null, after })
  }
  for (const [ref, last] of applied)
    if (last !== null && ref.startsWith('refs/pull/') === false && !now.has(ref))
      found.push({ ref, before: last, after: null })
  return found
}
