import { type Values, variableOf } from '../language/expression/interpolate.ts'
import { pullNumberOf } from './lanes.ts'

/** A commit as it was recorded: its ref, and what its author and its forge said of it. */
export type CommitSaid = {
  /** `refs/heads/main`, `refs/tags/v1`, `refs/pull/12/head`. */
  readonly ref: string
  readonly author: string
  readonly message: string
  /** Where people look at it; only a forge knows. */
  readonly url?: string | null
  /** Of a pull request's commit: what the forge says of the request. */
  readonly pull?: { readonly number: number }
}

/**
 * What a commit tells, under the names of `FIELDS.git`. What it has not is not there: a tag has no branch, and neither has a pull
 * request, whose author chooses its branch's name and must not choose `main` to pass for it.
 */
export function fieldsOfCommit(body: CommitSaid, sha: string): Readonly<Record<string, string>> {
  const { ref, author, message } = body
  const number = body.pull?.number ?? pullNumberOf(ref)
  return {
    sha,
    short_sha: sha.slice(0, 7),
    ref,
    ...(ref.startsWith('refs/heads/') ? { branch: ref.slice('refs/heads/'.length) } : {}),
    ...(ref.startsWith('refs/tags/') ? { tag: ref.slice('refs/tags/'.length) } : {}),
    author,
    message,
    ...(body.url ? { url: body.url } : {}),
    ...(number === null ? {} : { number: String(number) }),
  }
}

/** A version that a run takes, with what it tells. */
export type InputFields = { readonly resource: string; readonly fields: Readonly<Record<string, string>> }

export type ValueFacts = {
  /** What is known of the run itself: `run`, `project`, `pipeline`, `job`, `lane`, `attempt`, `kind`. */
  readonly takt: Readonly<Record<string, string>>
  readonly inputs: readonly InputFields[]
  /** The leg's value for each axis; null where the job has no matrix. */
  readonly matrix: Readonly<Record<string, string>> | null
  /** What a person filled in, or what the form presets; null where the job asks for nothing. */
  readonly given: Readonly<Record<string, string>> | null
}

/** Everything that `$(…)` can name, by its whole name: the same for a job's texts and for its `if`. */
export function valuesOf({ takt, inputs, matrix, given }: ValueFacts): Values {
  const under = (first: string, fields: Readonly<Record<string, string>>) =>
    Object.entries(fields).map(([field, value]) => [`${first}.${field}`, value] as const)
  return new Map([
    ...inputs.flatMap(({ resource, fields }) => under(resource, fields)),
    ...under('matrix', matrix ?? {}),
    ...under('input', given ?? {}),
    ...under('takt', takt),
  ])
}

/** The same values as commands find them: `src.short_sha` is SRC_SHORT_SHA. */
export const variablesOf = (values: Values): Record<string, string> =>
  Object.fromEntries([...values].map(([name, value]) => [variableOf(name), value]))
