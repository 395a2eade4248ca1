import { answer, body, part } from './api.ts'
import type { JsonSchema } from './schema-walk.ts'

export type EditorAt = { readonly project: string; readonly pipeline: string }

/** A pipeline's file on a lane. */
export type FileView = {
  readonly path: string
  readonly text: string
  readonly lane: string
  /** Null for a tag and a pull request. */
  readonly branch: string | null
  readonly commit: string
  /** Whether Takt keeps the repository, and can commit to it. */
  readonly hosted: boolean
  readonly may_commit: boolean
}

export type Finding = {
  readonly severity: 'error' | 'warning'
  readonly rule: string
  readonly message: string
  readonly line: number
  readonly column: number
  readonly hint: string
}

export const FATES = ['runs', 'passed', 'manual', 'waits', 'stays'] as const
export type Fate = (typeof FATES)[number]
export type JobFate = { readonly job: string; readonly fate: Fate; readonly words: string }

/** The line that a file draws, before anything runs by it. */
export type DrawnLine = {
  readonly resources: readonly { readonly name: string; readonly kind: string }[]
  readonly jobs: readonly {
    readonly name: string
    readonly gets: { readonly resource: string; readonly trigger: boolean }[]
    readonly needs: { readonly job: string; readonly trigger: boolean }[]
    readonly puts: readonly string[]
  }[]
}

export type Rehearsed = {
  readonly diagnostics: readonly Finding[]
  /** Null while the file has errors. */
  readonly line: DrawnLine | null
  readonly commit: { readonly version: string; readonly author: string; readonly message: string } | null
  readonly jobs: readonly JobFate[]
}

/** A text, and which commit it is tried with; null: the lane's newest. */
export type Wanted = { readonly text: string; readonly lane: string; readonly version: string | null }
export type NewFile = {
  readonly text: string
  readonly message: string
  readonly branch: string
  /** The commit that the text was made from; null for the first one. */
  readonly onto: string | null
}

const at = ({ project, pipeline }: EditorAt) =>
  `/api/v1/projects/${part(project)}/pipelines/${part(pipeline)}`
const posted = (said: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(said),
})

export const editor = {
  file: (line: EditorAt, lane: string | null, signal: AbortSignal) =>
    body<FileView>(
      fetch(`${at(line)}/file${lane === null ? '' : `?${new URLSearchParams({ lane })}`}`, { signal }),
    ),
  schema: () => body<JsonSchema>(fetch('/api/v1/pipeline-schema')),
  rehearse: async (line: EditorAt, wanted: Wanted, signal: AbortSignal) =>
    (await answer<Rehearsed>(fetch(`${at(line)}/rehearse`, { ...posted(wanted), signal }))).body,
  commit: (line: EditorAt, change: NewFile) =>
    body<{ commit: string; branch: string }>(fetch(`${at(line)}/file`, posted(change))),
}
