import type { Job, Matrix, StartMode } from '#pipelines/language/pipeline.ts'
import { attemptsOf } from '#pipelines/plan/again.ts'
import { nextGate } from '#pipelines/plan/parts.ts'

/** What a run is told of its job's file when it is created, and what holds it by. */
export type RunRules = {
  readonly start: StartMode
  /** Minutes of waiting that it is ahead of others. */
  readonly priority: number
  /** Runs that share a key, whatever their pipeline, share a number of places. */
  readonly group: { readonly key: string; readonly limit: number } | null
  readonly environment: string | null
  /** How many runs of its matrix may go at once; null: all of them. */
  readonly legsAtOnce: number | null
  /** The labels that a runner must have; values of the matrix and of the form are not put in yet. */
  readonly runsOn: readonly string[]
  /** How often it may be begun. */
  readonly attempts: number
  /** Whether the line goes on when it fails. */
  readonly allowFailure: boolean
  /** The gate that it stands before, counted from 0; null where its job begins with none. */
  readonly gate: number | null
}

type Place = { readonly project: string; readonly pipeline: string }

export const rulesOf = (place: Place, job: Job, start: StartMode): RunRules => ({
  start,
  priority: job.priority,
  group: groupOf(place, job),
  environment: job.environment,
  legsAtOnce: legsAtOnce(job.matrix),
  runsOn: job.runsOn,
  attempts: attemptsOf(job.retry),
  allowFailure: job.allowFailure,
  gate: nextGate(job, { from: 0, position: 0 }),
})

/** An environment has one place, also where its job names a group besides: what changes it never runs twice at once. */
function groupOf({ project, pipeline }: Place, { name, environment, concurrency }: Job): RunRules['group'] {
  if (environment !== null) return { key: `${project}/environment ${environment}`, limit: 1 }
  if (!concurrency) return null
  const { group, limit } = concurrency
  return { key: group === null ? `${project}/job ${pipeline}/${name}` : `${project}/${group}`, limit }
}

export function legsAtOnce(matrix: Matrix | null): number | null {
  if (!matrix) return null
  return matrix.mode === 'sequential' ? 1 : matrix.maxParallel
}
