import { z } from 'zod'
import type { RunId } from '../ids.ts'

const runId = z
  .number()
  .int()
  .positive()
  .transform((value) => value as RunId)

/** One command in the step's one shell: a log fold with its own time and exit code. */
const Step = z.object({
  name: z.string(),
  /** Executed in order by one shell; the first that fails ends the step. */
  commands: z.array(z.string()).min(1),
})

/** What a runner carries out: one run, ready to execute, holding no secret and no decision. */
export const Plan = z.object({
  run: runId,
  project: z.string(),
  pipeline: z.string(),
  job: z.string(),
  lane: z.string(),
  /** Counts from 1; grows when a lost run is given to another runner. */
  attempt: z.number().int().positive(),
  /** The commit that becomes the working directory; null for a job without a git resource. */
  checkout: z
    .object({
      /** Where to fetch from. The credentials are the run's own lease, sent only to this address's host. */
      url: z.string(),
      sha: z.string(),
      /** The name the commit had when it arrived, e.g. `refs/heads/main`. */
      ref: z.string(),
      /** A bearer of the right to read the repository at `url`; null where it is public. Never written to disk. */
      credential: z.object({ username: z.string(), password: z.string() }).nullable(),
    })
    .nullable(),
  image: z.string().nullable(),
  env: z.record(z.string(), z.string()),
  timeoutMs: z.number().int().positive(),
  /** Step 0, `prepare`, is the runner's own and not listed; these are steps 1, 2, … */
  steps: z.array(Step).min(1),
})
export type Plan = z.output<typeof Plan>
export type PlanStep = Plan['steps'][number]

/** The step in which the runner speaks for itself: checkout, image, isolation. */
export const PREPARE = 'prepare'
