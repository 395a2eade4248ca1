import type { DueInput, InputFact } from './snapshot.ts'

/** How far a job got, resource by resource. What it never consumed counts as 0, also a resource that was added since. */
export type Taken = Readonly<Record<string, number>>

/** A set of versions with its place in the order of sets. */
export type Ranked = { readonly inputs: readonly DueInput[]; readonly seqs: Taken }

export const ranked = (inputs: readonly DueInput[]): Ranked => ({
  inputs,
  seqs: Object.fromEntries(inputs.map((input) => [input.resource, input.version.seq])),
})

/**
 * Lexicographic, in the order in which the file declares the resources: which of two sets is newer.
 *
 * @returns Above 0 when `set` is newer than `taken`; null was before everything.
 */
export function compareRanks(set: Ranked, taken: Taken | null, inputs: readonly InputFact[]): number {
  if (taken === null) return 1
  for (const { resource } of inputs) {
    const difference = (set.seqs[resource] ?? 0) - (taken[resource] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
