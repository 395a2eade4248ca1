import { fieldsOfCommit } from '#pipelines/plan/values.ts'
import type { VersionBody } from '../db/schema.ts'

/** What a version of any kind tells: `$(name.field)` in the file. */
export const fieldsOfVersion = ({
  name,
  body,
}: {
  readonly name: string
  readonly body: VersionBody
}): Readonly<Record<string, string>> => ('fields' in body ? body.fields : fieldsOfCommit(body, name))
