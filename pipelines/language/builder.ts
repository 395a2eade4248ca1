import type { PipelineInput } from './schema.ts'

/** What an author may write where the language wants a text: numbers and flags are read by their text in any case. */
export type Loose<Written> = Written extends string
  ? string extends Written
    ? string | number | boolean
    : Written | ('true' extends Written ? boolean : never)
  : Written extends readonly (infer Item)[]
    ? readonly Loose<Item>[]
    : Written extends object
      ? { readonly [Key in keyof Written]: Loose<Written[Key]> }
      : Written

export type PipelineObject = Loose<PipelineInput>

/**
 * A pipeline built by a program, its keys known to the editor. It is plain JSON: write it to a `.takt.yml`, or hand it to
 * `parseObject`, which has the same rules and comes to the same plan as the YAML.
 */
export const pipeline = (written: PipelineObject): PipelineObject => written
