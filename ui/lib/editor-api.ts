import type { InferResponseType } from 'hono/client'
import { body, part, v1 } from './api.ts'
import type { JsonSchema } from './schema-walk.ts'

const ofLine = v1.projects[':project'].pipelines[':pipeline']

export type EditorAt = { readonly project: string; readonly pipeline: string }
export type FileView = InferResponseType<typeof ofLine.file.$get, 200>
export type Rehearsed = InferResponseType<typeof ofLine.rehearse.$post, 200>
export type Finding = Rehearsed['diagnostics'][number]
/** The line that a file draws, before anything runs by it. */
export type DrawnLine = NonNullable<Rehearsed['line']>
export type JobFate = Rehearsed['jobs'][number]
export type Fate = JobFate['fate']

/** A text, and which commit it is tried with; null: the lane's newest. */
export type Wanted = { readonly text: string; readonly lane: string; readonly version: string | null }
export type NewFile = {
  readonly text: string
  readonly message: string
  readonly branch: string
  /** The commit that the text was made from; null for the first one. */
  readonly onto: string | null
}

const at = ({ project, pipeline }: EditorAt) => ({
  param: { project: part(project), pipeline: part(pipeline) },
})

export const editor = {
  file: (line: EditorAt, lane: string | null, signal: AbortSignal) =>
    body(ofLine.file.$get({ ...at(line), query: lane === null ? {} : { lane } }, { init: { signal } })),
  schema: async (): Promise<JsonSchema> => await body(v1['pipeline-schema'].$get()),
  rehearse: (line: EditorAt, wanted: Wanted, signal: AbortSignal) =>
    body(ofLine.rehearse.$post({ ...at(line), json: wanted }, { init: { signal } })),
  commit: (line: EditorAt, change: NewFile) => body(ofLine.file.$post({ ...at(line), json: change })),
}
