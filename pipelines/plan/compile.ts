import type { RunId } from '../ids.ts'
import { presetsOf } from '../language/form-values.ts'
import type { Values } from '../language/expression/interpolate.ts'
import type { Job } from '../language/pipeline.ts'
import type { Plan } from '../wire/plan.ts'
import type { LaneFact } from './facts.ts'
import type { Leg } from './matrix.ts'
import { type Impossible, isImage, putIn } from './put-in.ts'
import { type InputFields, valuesOf, variablesOf } from './values.ts'

/** A run and its frozen inputs, as the compiler needs them. */
export type CompileFacts = {
  readonly run: RunId
  readonly project: string
  readonly pipeline: string
  readonly lane: string
  readonly kind: LaneFact['kind']
  readonly attempt: number
  readonly job: Job
  readonly inputs: readonly InputFields[]
  /** The leg that the run is; null where the job has no matrix. */
  readonly matrix: Leg | null
  /** What a person filled in; null where nobody was asked, and the form's presets count. */
  readonly given: Readonly<Record<string, string>> | null
  readonly checkout: Plan['checkout']
}

/**
 * One run and its job turned into the plan that a runner carries out, its values put into `image` and `env`. Commands find the
 * same values as variables; the author's own variables win.
 *
 * @returns Why there can be no plan, in words: a value that this run has not, or an image that is none with its values put in.
 */
export function compilePlan(facts: CompileFacts): Plan | Impossible {
  const { job } = facts
  const values = valuesOfRun(facts)
  const image = imageOf(job, values)
  if (image !== null && typeof image === 'object') return image
  const variables = envOf(job, values)
  if ('impossible' in variables) return variables
  return {
    run: facts.run,
    project: facts.project,
    pipeline: facts.pipeline,
    job: job.name,
    lane: facts.lane,
    attempt: facts.attempt,
    checkout: facts.checkout,
    image,
    env: variables.env,
    timeoutMs: job.timeoutMs,
    steps: job.steps.flatMap((step) =>
      step.kind === 'run' ? [{ name: step.name ?? 'run', commands: [...step.commands] }] : [],
    ),
  }
}

function valuesOfRun({ job, inputs, matrix, given, ...at }: CompileFacts): Values {
  const { run, project, pipeline, lane, attempt, kind } = at
  return valuesOf({
    takt: {
      run: String(run),
      project,
      pipeline,
      job: job.name,
      lane,
      attempt: String(attempt),
      kind,
    },
    inputs,
    matrix,
    given: given ?? presetsOf(job.inputs),
  })
}

/** A value may hold anything, so that what an image's name became is looked at again. */
function imageOf({ image }: Job, values: Values): string | null | Impossible {
  if (image === null) return null
  const put = putIn(image, values, 'image')
  if (typeof put !== 'string' || put === image || isImage(put)) return put
  return {
    impossible: `\`image\` became \`${put.slice(0, 200).toWellFormed()}\`, which is no image reference`,
  }
}

/** All variables of a program share this much room with its arguments; Linux has at least twice as much. */
const MOST_LETTERS = 1_000_000

function envOf(job: Job, values: Values): { readonly env: Record<string, string> } | Impossible {
  const env: Record<string, string> = { ...variablesOf(values), CI: 'true', TAKT: 'true' }
  for (const [name, text] of Object.entries(job.env)) {
    const put = putIn(text, values, `env.${name}`)
    if (typeof put !== 'string') return put
    env[name] = put
  }
  const letters = Object.entries(env).reduce((sum, [name, text]) => sum + name.length + text.length, 0)
  if (letters <= MOST_LETTERS) return { env }
  return { impossible: `\`env\` has ${letters} characters with its values put in; ${MOST_LETTERS} fit` }
}
