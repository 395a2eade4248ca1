import type { Tree } from './shape/scalars.ts'

type Watched = { readonly checkMs: number | null; readonly pin: string | null }

export type GitResource = {
  readonly name: string
  readonly kind: 'git'
  /** `.` for the repository of the file itself, else a URL. */
  readonly repository: string
  readonly branch: string | null
  readonly paths: readonly string[]
  /** 0: all commits. */
  readonly depth: number
  readonly submodules: boolean
  readonly lfs: boolean
  readonly login: string | null
} & Watched

/** Something that changes, and whose values are versions. */
export type Resource =
  | GitResource
  | ({
      readonly name: string
      readonly kind: 'registry'
      readonly repository: string
      readonly tag: string | null
      readonly login: string | null
    } & Watched)
  | {
      readonly name: string
      readonly kind: 'time'
      /** Five fields, or a span. */
      readonly schedule: string
      readonly timezone: string
      readonly misfire: 'skip' | 'once' | 'all'
      readonly misfireGraceMs: number | null
      readonly maxCatchUp: number
      readonly overlap: 'skip' | 'queue' | 'cancel_running' | 'allow'
      readonly jitterMs: number
    }
  | { readonly name: string; readonly kind: 'semver'; readonly initial: string }
  | { readonly name: string; readonly kind: 'params'; readonly values: Readonly<Record<string, string>> }
  | { readonly name: string; readonly kind: 'state' }
  | {
      readonly name: string
      readonly kind: 'files'
      readonly keepMs: number | null
      readonly runs: number | null
    }
  | {
      readonly name: string
      readonly kind: 'event'
      readonly source: string
      /** Places in the event's body, and the values of which one must stand there. */
      readonly if: Readonly<Record<string, readonly string[]>>
      readonly debounceMs: number | null
    }
  | {
      readonly name: string
      readonly kind: 'upstream'
      /** Null for the project of the file itself. */
      readonly project: string | null
      readonly pipeline: string
      readonly job: string
      /** Globs; empty for the default branch's lane. */
      readonly lanes: readonly string[]
    }
  | ({
      readonly name: string
      readonly kind: 'custom'
      readonly type: string
      readonly source: Readonly<Record<string, Tree>>
      readonly version: Readonly<Record<string, Tree>> | null
    } & Watched)

export const isGit = (resource: Resource): resource is GitResource => resource.kind === 'git'

/**
 * Whether every lane has versions of its own: the file's own repository, as the lane's ref has it. A branch that is named is one
 * stream for all lanes, also where it lies in the same repository.
 */
export const followsLane = (resource: Pick<GitResource, 'repository' | 'branch'>): boolean =>
  resource.repository === '.' && resource.branch === null

/** What a version of each kind tells: `$(name.field)` in the file, `NAME_FIELD` in a command. */
export const FIELDS: Readonly<
  Record<Exclude<Resource['kind'], 'params' | 'event' | 'upstream' | 'custom'>, readonly string[]>
> = {
  git: ['sha', 'short_sha', 'ref', 'branch', 'tag', 'author', 'message', 'url', 'number'],
  registry: ['ref', 'digest', 'tag', 'repository'],
  time: ['at', 'due'],
  semver: ['version', 'major', 'minor', 'patch'],
  state: ['version'],
  files: ['version'],
}
