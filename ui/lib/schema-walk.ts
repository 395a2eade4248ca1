import type { Step } from './yaml-lines.ts'

/** As much of a JSON Schema (draft 2020-12) as completion asks for. */
export type JsonSchema = {
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, JsonSchema>>
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: JsonSchema | boolean
  readonly items?: JsonSchema | boolean
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly allOf?: readonly JsonSchema[]
}

/** A schema that is made of itself is followed this far. */
const DEEPEST = 12

/** The plain shapes that a schema stands for, each with the sentence that is nearest to it. */
export function expand(schema: JsonSchema, root: JsonSchema, depth = 0): JsonSchema[] {
  if (depth > DEEPEST) return []
  const { $ref, anyOf, oneOf, allOf, ...plain } = schema
  const name = $ref?.replace('#/$defs/', '')
  const meant = name === undefined ? undefined : root.$defs?.[name]
  const others = [...(meant ? [meant] : []), ...(anyOf ?? []), ...(oneOf ?? []), ...(allOf ?? [])]
  if (others.length === 0) return [plain]
  return others
    .map((one) => ({
      ...(plain.description === undefined ? {} : { description: plain.description }),
      ...one,
    }))
    .flatMap((one) => expand(one, root, depth + 1))
}

/** The shapes of what stands at the end of the way; none where the schema knows no such place. */
export function schemasAt(root: JsonSchema, path: readonly Step[]): JsonSchema[] {
  let shapes = expand(root, root)
  for (const step of path)
    shapes = shapes.flatMap((shape) => stepInto(shape, step)).flatMap((shape) => expand(shape, root))
  return shapes
}

function stepInto({ properties, additionalProperties, items }: JsonSchema, step: Step): JsonSchema[] {
  if (step === null) return typeof items === 'object' ? [items] : []
  const own = properties && Object.hasOwn(properties, step) ? properties[step] : undefined
  if (own) return [own]
  return typeof additionalProperties === 'object' ? [additionalProperties] : []
}
