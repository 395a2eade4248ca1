import type { Tree } from './shape/scalars.ts'

/** What a run does, one after the other. `run`, `put` and `approve` of a job are the short form of the same steps. */
export type Step = {
  readonly name: string | null
  /** Null means: the one of the job. */
  readonly image: string | null
  readonly env: Readonly<Record<string, string>>
  /** The source of an expression; expression/evaluate.ts tells whether it holds. */
  readonly if: string | null
  readonly retry: Retry | null
  readonly timeoutMs: number | null
  readonly allowFailure: boolean
  readonly hooks: Hooks
} & Act

/** What a step does. */
export type Act =
  | { readonly kind: 'run'; readonly commands: readonly string[] }
  | {
      readonly kind: 'get'
      readonly resource: string
      readonly version: string
      readonly params: Readonly<Record<string, Tree>>
    }
  | { readonly kind: 'put'; readonly resource: string; readonly params: Readonly<Record<string, Tree>> }
  | ({ readonly kind: 'approve' } & Gate)
  | { readonly kind: 'wait'; readonly wait: Wait }
  | ({ readonly kind: 'call' } & Call)
  | ({ readonly kind: 'parallel'; readonly steps: readonly Step[] } & Group)
  | ({
      readonly kind: 'for_each'
      /** A list, or one text with a `$(…)` whose value holds an item a line. */
      readonly items: readonly string[] | string
      readonly as: string
      readonly steps: readonly Step[]
    } & Group)
  | ({ readonly kind: 'trigger' } & TriggerJob)
  | { readonly kind: 'checkpoint'; readonly label: string }
  | ({ readonly kind: 'use' } & TemplateUse)

export type Hooks = {
  readonly onSuccess: readonly Step[]
  readonly onFailure: readonly Step[]
  readonly onError: readonly Step[]
  readonly onCancel: readonly Step[]
  readonly always: readonly Step[]
}

export type Retry = {
  readonly max: number
  /** `failed`, `errored`, `timeout`, `signal` or `exit:<code>`. */
  readonly on: readonly string[]
  readonly backoff: 'fixed' | 'exponential'
  readonly delayMs: number
}

/** How many of the members of a group run at once. */
export type Group = {
  readonly mode: 'sequential' | 'parallel'
  /** Null means: as many as runners have room for. */
  readonly maxParallel: number | null
  readonly failFast: boolean
}

export type Gate = {
  /** Empty: everyone who may write. */
  readonly by: readonly string[]
  readonly count: number
  /** Whether who started the run, or wrote its commit, may decide, too. */
  readonly author: boolean
  readonly withinMs: number | null
  readonly onExpire: 'reject' | 'fail' | 'approve'
  readonly message: string | null
  readonly form: readonly FormField[]
}

/** One field of a form. Values and defaults are texts; the form says which texts are good. */
export type FormField = {
  readonly name: string
  readonly label: string | null
  readonly default: string | null
  readonly required: boolean
} & (
  | { readonly kind: 'text'; readonly min: number | null; readonly max: number | null }
  | {
      readonly kind: 'number'
      readonly min: number | null
      readonly max: number | null
      readonly step: number | null
    }
  | { readonly kind: 'bool' }
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
)

export type Wait =
  | { readonly for: 'event'; readonly resource: string; readonly withinMs: number | null }
  | { readonly for: 'callback'; readonly callback: string; readonly withinMs: number | null }
  | { readonly for: 'span'; readonly ms: number }
  | { readonly for: 'time'; readonly until: string }

export type Call = {
  readonly service: string
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
  /** Empty: 200 to 299. */
  readonly expect: readonly number[]
  /** What must stand at places of the answer's JSON: one of these. */
  readonly json: Readonly<Record<string, readonly string[]>>
  /** By name the places of the answer's JSON that become values. */
  readonly outputs: Readonly<Record<string, string>>
}

export type TriggerJob = {
  /** Null means: the project of this file. */
  readonly project: string | null
  readonly pipeline: string
  readonly job: string
  readonly inputs: Readonly<Record<string, string>>
  readonly lane: string | null
  readonly wait: boolean
}

/** A template that was not expanded: `repository//path@commit`, and what it is told. */
export type TemplateUse = { readonly template: string; readonly with: Readonly<Record<string, string>> }

/** The steps of a list with those inside them, hooks included. */
export function allSteps(steps: readonly Step[]): Step[] {
  return steps.flatMap((step) => [
    step,
    ...(step.kind === 'parallel' || step.kind === 'for_each' ? allSteps(step.steps) : []),
    ...hookSteps(step.hooks),
  ])
}

const hookSteps = (hooks: Hooks): Step[] =>
  allSteps([...hooks.onSuccess, ...hooks.onFailure, ...hooks.onError, ...hooks.onCancel, ...hooks.always])

/** The steps of a job with all that are inside them, its hooks' included. */
export const stepsIn = (job: { readonly steps: readonly Step[]; readonly hooks: Hooks }): Step[] => [
  ...allSteps(job.steps),
  ...hookSteps(job.hooks),
]
