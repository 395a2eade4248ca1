import type { Matrix } from '../language/pipeline.ts'

/** One combination of a matrix: a value for each of its names. */
export type Leg = Readonly<Record<string, string>>

export const MOST_LEGS = 256
/** Combinations that are looked at before `exclude` takes some away. */
const MOST_LOOKED_AT = 10_000

/**
 * The combinations of a matrix, in the order of its axes and their values, the included ones last.
 *
 * @returns Null where there are more than anybody wants to look at.
 */
export function legsOf({
  axes,
  exclude,
  include,
}: Pick<Matrix, 'axes' | 'exclude' | 'include'>): Leg[] | null {
  const product = Object.values(axes).reduce((count, values) => count * values.length, 1)
  if (product > MOST_LOOKED_AT) return null
  let legs: Leg[] = Object.keys(axes).length > 0 ? [{}] : []
  for (const [axis, values] of Object.entries(axes))
    legs = legs.flatMap((leg) => values.map((value) => ({ ...leg, [axis]: value })))
  const kept = legs.filter((leg) => !exclude.some((entry) => agrees(leg, entry)))
  return [...kept, ...include]
}

const agrees = (leg: Leg, entry: Leg) => Object.entries(entry).every(([axis, value]) => leg[axis] === value)
