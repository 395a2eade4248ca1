/** What stands in for a letter that no label has: what is made of values may hold anything. */
const STRANGE = /[^A-Za-z0-9._/:@=+-]/g
const MOST_LETTERS = 100

/** A label as jobs ask for it: `gpu`, or `arch=arm64`. */
export const LABEL = /^[A-Za-z0-9._/:@+-]{1,100}(=[A-Za-z0-9._/:@+-]{0,100})?$/

/** What a runner offers, in every way that a job may ask for it: `arch=arm64` is `arch` as well. */
export const offersOf = (labels: Readonly<Record<string, string>>): string[] =>
  Object.entries(labels)
    .flatMap(([label, value]) => (value === '' ? [label] : [label, `${label}=${value}`]))
    .toSorted()

/** A set of labels in one form, whatever values were put into them: sorted, each once, none longer than an index can hold. */
export const labelSet = (labels: readonly string[]): string[] => [
  ...new Set(labels.map((label) => label.replaceAll(STRANGE, '?').slice(0, MOST_LETTERS)).toSorted()),
]
