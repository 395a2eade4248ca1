import type { Resource } from './resource.ts'
import type { Tree } from './shape/scalars.ts'
import type { FormField, Group, Hooks, Retry, Step, TemplateUse } from './step.ts'

export type { Resource } from './resource.ts'

/** A pipeline as the rest of the house sees it: every default filled in, every edge spelled out, one form for everything. */
export type Pipeline = {
  /** In the order of the file: the first git resource is the one that jobs watch when they name none. */
  readonly resources: readonly Resource[]
  readonly resourceTypes: readonly ResourceType[]
  readonly triggers: Triggers
  /** In the order of the file. */
  readonly jobs: readonly Job[]
  readonly environments: readonly Environment[]
  readonly notify: readonly Notice[]
}

export type ResourceType = {
  readonly name: string
  readonly image: string
  readonly source: Readonly<Record<string, unknown>>
}

/** Which events become versions. A list that is empty lets none through; paths that are empty let all through. */
export type Triggers = {
  readonly push: readonly string[]
  readonly pushPaths: readonly string[]
  readonly tag: readonly string[]
  readonly pullRequest: {
    readonly branches: readonly string[]
    readonly paths: readonly string[]
    readonly drafts: boolean
    readonly labels: readonly string[]
    readonly forks: 'approve' | 'first_time' | 'allow' | 'ignore'
  }
  readonly skip: { readonly paths: readonly string[]; readonly messages: readonly string[] }
}

export type StartMode = 'settled' | 'strict' | 'chrono' | 'immediate'
/** The kinds of lanes, and of starts that no event of a forge caused. */
export type LaneKind = 'push' | 'pull_request' | 'tag' | 'manual' | 'schedule'

export type Get = {
  readonly resource: string
  readonly trigger: boolean
  /** `latest`, `every`, or the name of the one version to take. */
  readonly version: string
  /** Null means: the job's own. */
  readonly start: StartMode | null
  /** What the image of a custom type is told when it fetches the version. */
  readonly params: Readonly<Record<string, Tree>>
}

export type Need = {
  readonly job: string
  readonly trigger: boolean
  readonly on: readonly ('success' | 'failure' | 'finish')[]
  readonly versions: 'same' | 'any'
  readonly start: StartMode | null
}

export type Job = {
  readonly name: string
  readonly use: TemplateUse | null
  readonly gets: readonly Get[]
  readonly needs: readonly Need[]
  readonly start: StartMode
  /** Null means: for all of them. */
  readonly when: readonly LaneKind[] | null
  /** The source of an expression. */
  readonly if: string | null
  readonly paths: readonly string[]
  /** Null means: whatever the runner's engine runs on where no image is named. */
  readonly image: string | null
  readonly env: Readonly<Record<string, string>>
  readonly secrets: readonly string[]
  /** Whom a token that says who the run is shall be for; null where it asks for none. */
  readonly idToken: { readonly audience: readonly string[] } | null
  readonly steps: readonly Step[]
  readonly hooks: Hooks
  readonly keep: { readonly paths: readonly string[]; readonly forMs: number; readonly runs: number } | null
  readonly cache: readonly {
    readonly name: string
    readonly key: readonly string[]
    readonly paths: readonly string[]
  }[]
  readonly outputs: readonly string[]
  readonly services: readonly Container[]
  readonly matrix: Matrix | null
  readonly reports: { readonly junit: readonly string[]; readonly coverage: readonly string[] }
  /** Null means: not for `failed`, twice for `errored`. */
  readonly retry: Retry | null
  readonly timeoutMs: number
  readonly inactivityMs: number
  readonly allowFailure: boolean
  readonly environment: string | null
  readonly concurrency: Concurrency | null
  readonly priority: number
  /** Labels, `gpu` or `arch=arm64`; a runner must have all of them. */
  readonly runsOn: readonly string[]
  readonly limits: { readonly cpu: number; readonly memory: string; readonly pids: number }
  readonly inputs: readonly FormField[]
}

/** A container beside a job. */
export type Container = {
  readonly name: string
  readonly image: string
  readonly env: Readonly<Record<string, string>>
  /** Empty: what the image says. */
  readonly commands: readonly string[]
  /** Null means: the check that fits a well-known image, else the first port it exposes. */
  readonly health: Health | null
  readonly dependsOn: readonly string[]
}
export type Health = {
  readonly probe:
    | { readonly kind: 'tcp'; readonly port: number }
    | { readonly kind: 'http'; readonly port: number; readonly path: string }
    | { readonly kind: 'run'; readonly command: string }
  readonly intervalMs: number
  readonly timeoutMs: number
}

export type Matrix = Group & {
  readonly axes: Readonly<Record<string, readonly string[]>>
  readonly exclude: readonly Readonly<Record<string, string>>[]
  readonly include: readonly Readonly<Record<string, string>>[]
}

export type Concurrency = {
  /** Null means: the job itself. */
  readonly group: string | null
  readonly limit: number
  /** Null means: pull requests cancel what runs, other lanes queue. */
  readonly superseded: 'cancel_running' | 'cancel_waiting' | 'queue' | null
}

export type Environment = {
  readonly name: string
  readonly protect: { readonly approvals: number; readonly by: readonly string[] } | null
  readonly freeze: readonly string[]
  readonly timezone: string
  readonly create: Operation | null
  readonly modify: readonly (Operation & {
    readonly name: string
    readonly on: readonly string[]
    readonly state: 'active' | 'provisioning' | 'migrating' | 'disabled'
  })[]
  readonly validate: (Operation & { readonly schedule: string | null; readonly timezone: string }) | null
  readonly reconcile: Operation | null
  readonly terminate: Operation | null
  readonly onDrift: 'alert' | 'reconcile' | 'block'
  readonly per: 'pull_request' | null
  readonly ttlMs: number | null
  readonly max: number | null
}
export type Operation = { readonly job: string; readonly form: readonly FormField[] }

export type Notice = {
  readonly channel: 'slack' | 'email' | 'webhook'
  readonly to: readonly string[]
  readonly when: readonly NoticeKind[]
  /** Empty: about all of them. */
  readonly jobs: readonly string[]
  /** Globs. Empty: about all lanes but those of pull requests. */
  readonly lanes: readonly string[]
  /** The words of each notice, with `$(notice.…)` in them; null: what Takt says by itself. */
  readonly text: string | null
  readonly login: string | null
}
export type NoticeKind = 'failure' | 'fixed' | 'success' | 'approval' | 'drift' | 'alert'

/** The jobs that manage environments. They start when the environment asks, and by nothing that they get. */
export const lifecycleJobs = (environments: readonly Environment[]): ReadonlySet<string> =>
  new Set(environments.flatMap((each) => operationsOf(each).map((operation) => operation.job)))

export const operationsOf = ({ create, modify, validate, reconcile, terminate }: Environment): Operation[] =>
  [create, ...modify, validate, reconcile, terminate].filter((operation) => operation !== null)
