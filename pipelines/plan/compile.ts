import type { RunId } from '../ids.ts'
import type { Job } from '../language/pipeline.ts'
import type { Plan } from '../wire/plan.ts'

/** A run and its frozen inputs, as the compiler needs them. */
export type CompileFacts = {
  readonly run: RunId
  readonly project: string
  readonly pipeline: string
  readonly lane: string
  readonly attempt: number
  readonly job: Job
  /** The first one becomes the working directory. */
  readonly inputs: readonly { readonly resource: string; readonly sha: string; readonly ref: string }[]
  readonly checkout: Plan['checkout']
}

/** One run and its job turned into the plan that a runner carries out. */
export function compilePlan(facts: CompileFacts): Plan {
  const { job } = facts
  return {
    run: facts.run,
    project: facts.project,
    pipeline: facts.pipeline,
    job: job.name,
    lane: facts.lane,
    attempt: facts.attempt,
    checkout: facts.checkout,
    image: job.image,
    env: { ...inputEnv(facts.inputs), ...runEnv(facts), ...job.env },
    timeoutMs: job.timeoutMs,
    steps: job.steps.flatMap((step) =>
      step.kind === 'run' ? [{ name: step.name ?? 'run', commands: [...step.commands] }] : [],
    ),
  }
}

const runEnv = (facts: CompileFacts) => ({
  CI: 'true',
  TAKT: 'true',
  TAKT_RUN: String(facts.run),
  TAKT_PROJECT: facts.project,
  TAKT_PIPELINE: facts.pipeline,
  TAKT_JOB: facts.job.name,
  TAKT_LANE: facts.lane,
  TAKT_ATTEMPT: String(facts.attempt),
})

/** `SRC_SHA`, `SRC_REF` and, for a branch or tag, `SRC_BRANCH` or `SRC_TAG`, for each git input by its name. */
function inputEnv(inputs: CompileFacts['inputs']): Record<string, string> {
  const env: Record<string, string> = {}
  for (const { resource, sha, ref } of inputs) {
    const prefix = resource.toUpperCase().replaceAll('-', '_')
    env[`${prefix}_SHA`] = sha
    env[`${prefix}_REF`] = ref
    if (ref.startsWith('refs/heads/')) env[`${prefix}_BRANCH`] = ref.slice('refs/heads/'.length)
    if (ref.startsWith('refs/tags/')) env[`${prefix}_TAG`] = ref.slice('refs/tags/'.length)
  }
  return env
}
