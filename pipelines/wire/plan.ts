import { z } from 'zod'
import type { RunId } from '../ids.ts'

const runId = z
  .number()
  .int()
  .positive()
  .transform((value) => value as RunId)
const ms = z.number().int().positive()
const texts = z.record(z.string(), z.string())
const tree = z.record(z.string(), z.json())

/** A commit to fetch, and what opens its repository. */
export const Checkout = z.object({
  /** Where to fetch from. The credentials are the run's own lease, sent only to this address's host. */
  url: z.string(),
  sha: z.string(),
  /** The name the commit had when it arrived, e.g. `refs/heads/main`. */
  ref: z.string(),
  /** A bearer of the right to read the repository at `url`; null where it is public. Never written to disk. */
  credential: z.object({ username: z.string(), password: z.string() }).nullable(),
  /** How many commits of the past come along; 0 for all. */
  depth: z.number().int().min(0),
  submodules: z.boolean(),
  lfs: z.boolean(),
})
export type Checkout = z.output<typeof Checkout>

/** A type of resource that an image makes known: any that speaks the Concourse resource protocol. `hidden`: the secrets in its source. */
const Custom = z.object({ image: z.string(), source: tree, hidden: z.array(z.string()).optional() })

/** Something a run reads besides its checkout: what is fetched lies in the folder `inputs/<resource>` of its workspace. */
export const Get = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('git'), resource: z.string(), checkout: Checkout }),
  /** A folder that was put before, kept by the server; `version` names it, and is empty where none was put yet. */
  z.object({ kind: z.literal('files'), resource: z.string(), version: z.string() }),
  z.object({ kind: z.literal('state'), resource: z.string(), version: z.string() }),
  Custom.extend({ kind: z.literal('custom'), resource: z.string(), version: texts, params: tree }),
  /** Only variables: there is nothing to fetch. */
  z.object({ kind: z.literal('values'), resource: z.string(), version: z.string() }),
])
export type Get = z.output<typeof Get>

const paths = z.array(z.string())

/** What a run makes a new version of a resource with. */
export const Put = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('image'),
    resource: z.string(),
    /** The image's name without a tag. */
    repository: z.string(),
    /** What to build; null where a local image was named. */
    build: z
      .object({
        context: z.string(),
        dockerfile: z.string(),
        target: z.string().nullable(),
        args: texts,
        platforms: z.array(z.string()),
      })
      .nullable(),
    /** The local image to push. */
    image: z.string().nullable(),
    tags: z.array(z.string()),
    credential: z.object({ username: z.string(), password: z.string() }).nullable(),
  }),
  z.object({
    kind: z.literal('git'),
    resource: z.string(),
    url: z.string(),
    credential: z.object({ username: z.string(), password: z.string() }).nullable(),
    branch: z.string(),
    tag: z.string().nullable(),
    message: z.string(),
    /** Empty: everything that changed. */
    paths,
  }),
  z.object({
    kind: z.literal('semver'),
    resource: z.string(),
    bump: z.enum(['major', 'minor', 'patch', 'final']),
    pre: z.string().nullable(),
  }),
  z.object({
    kind: z.literal('params'),
    resource: z.string(),
    set: texts,
    /** The keys that are not named go. */
    overwrite: z.boolean().default(false),
  }),
  z.object({ kind: z.literal('files'), resource: z.string(), /** Empty: what the job keeps. */ paths }),
  z.object({ kind: z.literal('state'), resource: z.string(), paths, set: texts }),
  Custom.extend({ kind: z.literal('custom'), resource: z.string(), params: tree }),
])
export type Put = z.output<typeof Put>

const StepRetry = z.object({
  max: z.number().int().min(0),
  /** `failed`, `errored`, `timeout`, `signal` or `exit:<code>`. */
  on: z.array(z.string()),
  backoff: z.enum(['fixed', 'exponential']),
  delayMs: z.number().int().min(0),
})
type StepRetry = z.output<typeof StepRetry>

/** When a hook runs: what its step, or the job, came to. */
export const HOOKS = ['on_success', 'on_failure', 'on_error', 'on_cancel', 'always'] as const
export type HookName = (typeof HOOKS)[number]
export type PlanHooks = { readonly [H in HookName]: PlanStep[] }

/** What every node of the tree of steps has. */
const Around = z.object({
  /** Its number: from 1, each once, in the order of the file; a group's before its members', hooks behind what they belong to. */
  step: z.number().int().positive(),
  name: z.string(),
  /** Why it is passed over, in words; null where it runs. */
  skip: z.string().nullable(),
  /** Null means: the one of the job. */
  image: z.string().nullable(),
  /** Besides the variables of the job. */
  env: texts,
  retry: StepRetry.nullable(),
  timeoutMs: ms.nullable(),
  allowFailure: z.boolean(),
})
type Around = z.output<typeof Around>

/** One node of the tree of steps. */
export type PlanStep = Around & { readonly hooks: PlanHooks } & (
    | {
        readonly kind: 'run'
        /** For one shell; the first that fails ends the step. */ readonly commands: readonly string[]
      }
    | { readonly kind: 'get'; readonly get: Get }
    | { readonly kind: 'put'; readonly put: Put }
    /** Keeps the workspace as it is under a name, to run again from. */
    | { readonly kind: 'checkpoint'; readonly label: string; readonly position: number }
    | {
        readonly kind: 'group'
        readonly steps: PlanStep[]
        /** How many members go on at once; 1 is one after the other, null all of them. */
        readonly maxParallel: number | null
        /** Whether the first that fails ends the others. */
        readonly failFast: boolean
      }
  )

const steps: z.ZodType<PlanStep[]> = z.lazy(() => z.array(PlanStep))
const Hooks = z.lazy(() =>
  z.object({ on_success: steps, on_failure: steps, on_error: steps, on_cancel: steps, always: steps }),
)
export const PlanStep: z.ZodType<PlanStep> = z.lazy(() =>
  z.discriminatedUnion('kind', [
    Around.extend({ kind: z.literal('run'), hooks: Hooks, commands: z.array(z.string()).min(1) }),
    Around.extend({ kind: z.literal('get'), hooks: Hooks, get: Get }),
    Around.extend({ kind: z.literal('put'), hooks: Hooks, put: Put }),
    Around.extend({
      kind: z.literal('checkpoint'),
      hooks: Hooks,
      label: z.string(),
      position: z.number().int().positive(),
    }),
    Around.extend({
      kind: z.literal('group'),
      hooks: Hooks,
      steps,
      maxParallel: z.number().int().positive().nullable(),
      failFast: z.boolean(),
    }),
  ]),
)

/** A container beside the job, on the run's own network under its name. */
export const Service = z.object({
  /** Its own log: numbered like the steps, behind them. */
  step: z.number().int().positive(),
  name: z.string(),
  image: z.string(),
  env: texts,
  /** Empty: what the image says. */
  commands: z.array(z.string()),
  /** Null means: the check that fits a well-known image, else the first port that the image exposes. */
  health: z
    .object({
      probe: z.discriminatedUnion('kind', [
        z.object({ kind: z.literal('tcp'), port: z.number().int() }),
        z.object({ kind: z.literal('http'), port: z.number().int(), path: z.string() }),
        z.object({ kind: z.literal('run'), command: z.string() }),
      ]),
      intervalMs: ms,
      timeoutMs: ms,
    })
    .nullable(),
  dependsOn: z.array(z.string()),
})
export type Service = z.output<typeof Service>

/** What a runner knows of a run besides the files of its workspace, for the runner that goes on with it. */
export const Carried = z.object({
  /** Variables that gets and puts told. */
  fields: texts,
  stateTouched: z.boolean(),
  /** The caches of the job as they were brought: what each is called on the server, and whether that holds the very same. */
  caches: z
    .array(z.object({ name: z.string().max(200), key: z.string().max(200), isFresh: z.boolean() }))
    .max(100),
})
export type Carried = z.output<typeof Carried>

/** What the part of a run before this one left: its workspace is fetched from the server. */
const Resume = z.object({
  carried: Carried,
  /** The values that the job wrote to `$TAKT_OUTPUT` so far. */
  outputs: texts,
})
export type Resume = z.output<typeof Resume>

/** What a run came to at a gate. */
export const Ending = z.object({
  state: z.enum(['failed', 'errored', 'cancelled']),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
})
export type Ending = z.output<typeof Ending>

/** What a runner carries out: one part of a run, ready to execute, holding no decision. It is told to the holder of the lease only. */
export const Plan = z.object({
  run: runId,
  project: z.string(),
  pipeline: z.string(),
  job: z.string(),
  lane: z.string(),
  /** Counts from 1; grows when the run is carried out once more. */
  attempt: z.number().int().positive(),
  /** The commit that becomes the working directory; null for a job without a git resource. */
  checkout: Checkout.nullable(),
  image: z.string().nullable(),
  env: texts,
  /** Variables like those of `env`, that nobody may see: not in a log, an error, an event or an inspected container. */
  secrets: texts,
  /** Names of secrets that the job asks for and that this run does not get, because it runs a stranger's code. */
  withheld: z.array(z.string()),
  timeoutMs: ms,
  /** How long the commands may say nothing. */
  inactivityMs: ms,
  limits: z.object({ cpus: z.number().positive(), memoryBytes: z.number().int().positive(), pids: ms }),
  /** In the order of the file. */
  services: z.array(Service),
  /** What is fetched before the first step, besides the checkout. */
  gets: z.array(Get),
  /** Folders of tools, by the content of files of the checkout. An empty `paths`: those that the tool of that name uses. */
  caches: z.array(z.object({ name: z.string(), key: z.array(z.string()), paths })),
  /** Runs whose kept files are unpacked into the working directory, in this order. */
  keptBy: z.array(z.object({ job: z.string(), run: runId })),
  /** Files handed to the jobs that need this one, as globs from the working directory; null where nothing is. */
  keep: paths.nullable(),
  /** The names of the values that the job may write to `$TAKT_OUTPUT`. */
  outputs: z.array(z.string()),
  /** Jobs whose state is read at `TAKT_STATE_<JOB>`. */
  statesOf: z.array(z.string()),
  /** Which of them have left a state on this lane so far, this job itself among them. */
  statesLeft: z.array(z.string()),
  reports: z.object({ junit: paths, coverage: paths }),
  /** The number of the runner's own first step; 0 in the first part of a run. */
  prepare: z.number().int().min(0),
  /** Null: the workspace is made anew, with a checkout and what else the job brings. */
  resume: Resume.nullable(),
  /** Where the run has ended at a gate: no step is carried out, but the hooks of that end. */
  ending: Ending.nullable(),
  steps,
  /** Behind the last step the workspace is handed to the server, and the run waits at the gate at `position`; null: the run ends. */
  handOver: z.object({ step: z.number().int().positive(), position: z.number().int().positive() }).nullable(),
  /** What runs at the end of the job. */
  hooks: Hooks,
  /** The number of the runner's own last step, in which files and reports leave the workspace. */
  finish: z.number().int().positive(),
  /** How long a failed run's container is kept for people to look around in; 0: not at all. */
  holdMs: z.number().int().min(0),
})
export type Plan = z.output<typeof Plan>

/** The first step of each part, in which the runner speaks for itself: checkout, image, isolation. */
export const PREPARE = 'prepare'
/** The step in which the workspace goes to the server, for whoever goes on behind a gate. */
export const HAND_OVER = 'hand over'
/** The last step, in which the runner takes files out; it is not shown where there are none. */
export const FINISH = 'finish'

/** All nodes of a tree of steps, groups before their members and hooks behind what they belong to. */
export function allPlanSteps(tree: readonly PlanStep[]): PlanStep[] {
  return tree.flatMap((step) => [
    step,
    ...(step.kind === 'group' ? allPlanSteps(step.steps) : []),
    ...HOOKS.flatMap((hook) => allPlanSteps(step.hooks[hook])),
  ])
}
