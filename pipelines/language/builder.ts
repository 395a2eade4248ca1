import type { PipelineInput } from './schema.ts'

/** What an author may write where the language wants a text: numbers and flags are read by their text in any case. */
export type Loose<Written> = Written extends string
  ? string extends Written
    ? string | number | boolean
    : Written | ('true' extends Written ? boolean : never)
  : Written extends readonly (infer Item)[]
    ? readonly Loose<Item>[]
    : Written extends object
      ? {
          readonly [Key in keyof Written]: string extends Key
            ? Loose<Written[Key] | OwnValues<Written>>
            : Loose<Written[Key]>
        }
      : Written

/** A matrix has axes of any name beside its own keys; an index signature must let their values in. */
type OwnValues<Written> = {
  [Key in keyof Written as string extends Key ? never : Key]: Written[Key]
} extends infer Own
  ? Own[keyof Own]
  : never

export type PipelineObject = Loose<PipelineInput>

/**
 * A pipeline built by a program, its keys known to the editor. It is plain JSON: write it to a `.takt.yml`, or hand it to
 * `parseObject`, which has the same rules and comes to the same plan as the YAML.
 */
export const pipeline = (written: PipelineObject): PipelineObject => written
