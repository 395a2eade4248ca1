import { z } from 'zod'
import { PipelineFile } from './schema.ts'

type JsonSchema = z.core.JSONSchema.BaseSchema

/** The language for editors: JSON Schema, draft 2020-12, with a sentence on every key. Made of the very shapes that the validator uses. */
export function pipelineJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(PipelineFile, {
    target: 'draft-2020-12',
    io: 'input',
    unrepresentable: 'any',
  })
  return {
    ...schema,
    title: 'Takt pipeline',
    description: 'A line of jobs: what starts them, what they need, what they do',
  }
}
