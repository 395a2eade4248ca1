import type { Pipeline, Resource } from '../language/pipeline.ts'
import type { Get } from '../wire/plan.ts'

type Custom = Extract<Resource, { kind: 'custom' }>
type Source = Extract<Get, { kind: 'custom' }>['source']

/**
 * The image of a resource's type, and what it is told: the resource's own words win over those of the type.
 *
 * @returns Null where the file has no such type.
 */
export function customType(
  { type, source }: Custom,
  { resourceTypes }: Pick<Pipeline, 'resourceTypes'>,
): { image: string; source: Source } | null {
  const found = resourceTypes.find((each) => each.name === type)
  return found ? { image: found.image, source: { ...found.source, ...source } as Source } : null
}
