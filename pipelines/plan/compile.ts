import { presetsOf } from '../language/form-values.ts'
import type { Values } from '../language/expression/interpolate.ts'
import type { Job } from '../language/pipeline.ts'
import type { Call } from '../language/step.ts'
import type { Plan } from '../wire/plan.ts'
import { type Ask, askedFor, entriesIn, textsIn } from './compile-ask.ts'
import type { CompileFacts } from './compile-facts.ts'
import { imageIn } from './compile-image.ts'
import { getsOfRun } from './compile-resources.ts'
import { compileSteps } from './compile-steps.ts'
import { secretsIn } from './secrets-in.ts'
import { type Impossible, putIn } from './put-in.ts'
import { type InputFields, valuesOf, variablesOf } from './values.ts'

/**
 * One run and its job turned into the plan that a runner carries out, its values put into every text but `run`. Commands find
 * the same values as variables; the author's own variables win.
 *
 * @returns Why there can be no plan, in words: a value that this run has not, or an image that is none with its values put in.
 */
export function compilePlan(facts: CompileFacts): Plan | Impossible {
  const { job } = facts
  return askedFor<Plan>((ask) => {
    const values = valuesOfRun(facts)
    const { checkout, gets } = getsOfRun(ask, { ...facts, values })
    const { steps, hooks, handOver, next } = compileSteps(ask, { ...facts, values })
    const services = servicesOf(ask, job, { values, next })
    const direct = facts.upstream.filter((run) => run.direct)
    return {
      run: facts.run,
      project: facts.project,
      pipeline: facts.pipeline,
      job: job.name,
      lane: facts.lane,
      attempt: facts.attempt,
      checkout,
      image: imageIn(ask, job.image, { values, where: 'image' }),
      env: envOf(ask, facts, values),
      ...secretsIn(ask, job, facts),
      timeoutMs: Math.max(1, job.timeoutMs - (facts.goesOn?.ranMs ?? 0)),
      inactivityMs: job.inactivityMs,
      limits: {
        cpus: job.limits.cpu,
        memoryBytes: bytesOf(job.limits.memory),
        pids: job.limits.pids,
      },
      services,
      gets,
      caches: job.cache.map(({ name, key, paths }) => ({ name, key: [...key], paths: [...paths] })),
      keptBy: direct.flatMap(({ job: name, kept }) => kept.map((run) => ({ job: name, run }))),
      keep: job.keep && textsIn(ask, job.keep.paths, { values, where: 'keep' }),
      outputs: [...job.outputs],
      statesOf: direct.map(({ job: name }) => name),
      statesLeft: [job.name, ...direct.map(({ job: name }) => name)].filter((name) =>
        facts.statesLeft.has(name),
      ),
      reports: {
        junit: textsIn(ask, job.reports.junit, { values, where: 'reports.junit' }),
        coverage: textsIn(ask, job.reports.coverage, { values, where: 'reports.coverage' }),
      },
      prepare: facts.goesOn?.first ?? 0,
      resume: facts.goesOn?.resume ?? null,
      ending: facts.goesOn?.ending ?? null,
      steps,
      handOver,
      hooks,
      finish: next + services.length,
      holdMs: facts.holdMs,
    }
  })
}

/** What the values of a run are made of. */
export type ValuesOfRun = Pick<
  CompileFacts,
  | ('run' | 'project' | 'pipeline' | 'lane' | 'attempt' | 'kind' | 'job' | 'matrix' | 'given' | 'answers')
  | 'told'
> & {
  readonly inputs: readonly InputFields[]
  readonly upstream: readonly Pick<CompileFacts['upstream'][number], 'job' | 'outputs'>[]
}

/**
 * Everything that the texts of a run can name. What was filled in at its gates comes after what it was started with; of a gate that is
 * still ahead, or was never passed, its form's presets count.
 */
export function valuesOfRun(facts: ValuesOfRun): Values {
  const { job, inputs, matrix, given, answers, upstream, told, ...at } = facts
  const { run, project, pipeline, lane, attempt, kind } = at
  const takt = { run: String(run), project, pipeline, job: job.name, lane, attempt: String(attempt), kind }
  const filled = { ...formsAhead(job), ...(given ?? presetsOf(job.inputs)), ...answers }
  const heard = Object.entries(told ?? {}).map(([resource, fields]) => ({ resource, fields }))
  const outputs = upstream.map((each) => ({ resource: each.job, fields: each.outputs }))
  return valuesOf({ takt, inputs: [...outputs, ...inputs, ...heard], matrix, given: filled })
}

/** What is known of forms before anybody fills them in; a preset that is made of values is not, and neither is what has none. */
const formsAhead = ({ steps }: Job): Readonly<Record<string, string>> =>
  Object.fromEntries(
    steps
      .flatMap((step): readonly Ahead[] =>
        step.kind === 'approve' ? step.form : step.kind === 'call' ? answersOf(step) : [],
      )
      .map(({ name, default: preset }) => [name, preset === null || preset.includes('$(') ? '' : preset]),
  )

type Ahead = { readonly name: string; readonly default: string | null }
const answersOf = ({ outputs }: Pick<Call, 'outputs'>): Ahead[] =>
  Object.keys(outputs).map((name) => ({ name, default: null }))

/** All variables of a program share this much room with its arguments; Linux has at least twice as much. */
const MOST_LETTERS = 1_000_000

function envOf(
  ask: Ask,
  { job, url }: Pick<CompileFacts, 'job' | 'url'>,
  values: Values,
): Record<string, string> {
  const ours = { CI: 'true', TAKT: 'true', ...(url === undefined ? {} : { TAKT_URL: url }) }
  const env: Record<string, string> = { ...variablesOf(values), ...ours }
  for (const [name, text] of Object.entries(job.env)) env[name] = ask(putIn(text, values, `env.${name}`))
  const letters = Object.entries(env).reduce((sum, [name, text]) => sum + name.length + text.length, 0)
  if (letters <= MOST_LETTERS) return env
  return ask({
    impossible: `\`env\` has ${letters} characters with its values put in; ${MOST_LETTERS} fit`,
  })
}

const UNIT: Readonly<Record<string, number>> = { M: 1e6, G: 1e9, Mi: 2 ** 20, Gi: 2 ** 30 }
/** `512Mi` in bytes; the language has seen to its form. */
function bytesOf(size: string): number {
  const [, count = '0', unit = ''] = /^([\d.]+)(\D+)$/.exec(size) ?? []
  return Math.round(Number(count) * (UNIT[unit] ?? 1))
}

function servicesOf(
  ask: Ask,
  { services }: Job,
  { values, next }: { values: Values; next: number },
): Plan['services'] {
  return services.map(({ name, image, env, commands, health, dependsOn }, index) => ({
    step: next + index,
    name,
    image: imageIn(ask, image, { values, where: `services.${name}.image` }) ?? image,
    env: entriesIn(ask, env, { values, where: `services.${name}.env` }),
    commands: [...commands],
    health,
    dependsOn: [...dependsOn],
  }))
}
