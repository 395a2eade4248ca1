import type { Get, Put } from '#pipelines/wire/plan.ts'
import { EngineError } from './engine.ts'
import type { Workspace } from './engine.ts'
import type { Work } from './work.ts'

/** Where a version is fetched to, or made from: a run, its files, and the log of the step that does it. */
export type Place = {
  readonly work: Work
  readonly workspace: Workspace
  readonly signal: AbortSignal
  /** Output of the step; resolves when the log has room for more. */
  readonly write: (bytes: Uint8Array) => Promise<void>
}

/** Values that later steps find as variables, by field; `variableOf` names them. */
export type Fields = Readonly<Record<string, string>>

/** Fetches versions of resources into a run's workspace, and makes new ones of what is there. */
export interface Resources {
  /**
   * Fill the folder `inputs/<resource>`.
   *
   * @throws {StepFailed} When the resource's own program says no.
   * @throws {EngineError} When it is ours or the machine's failure.
   */
  get(get: Get, at: Place): Promise<Fields>
  /** Make a new version; it is recorded when this resolves. Throws like `get`. */
  put(put: Put, at: Place): Promise<{ readonly version: string; readonly fields: Fields }>
}

/** Knows only what needs nothing fetched. */
export const noResources: Resources = {
  get: async ({ kind, resource }) => {
    if (kind === 'values') return {}
    throw new EngineError(
      'not_carried_out',
      `This runner cannot get \`${resource}\`, which is of the kind \`${kind}\`.`,
    )
  },
  put: async ({ kind, resource }) => {
    throw new EngineError(
      'not_carried_out',
      `This runner cannot put \`${resource}\`, which is of the kind \`${kind}\`.`,
    )
  },
}
