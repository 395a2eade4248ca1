import { pipelineJsonSchema } from '#pipelines/language/json-schema.ts'
import { outJson } from './print.ts'

/** Print what an editor needs to know of the pipeline language. */
export async function schema(): Promise<number> {
  outJson(pipelineJsonSchema())
  return 0
}
