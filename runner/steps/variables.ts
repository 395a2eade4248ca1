import { variableOf } from '#pipelines/language/expression/interpolate.ts'
import type { Get, Plan, PlanStep } from '#pipelines/wire/plan.ts'
import { allPlanSteps } from '#pipelines/wire/plan.ts'
import { FOLDERS, OUTPUT_FILE } from '../engine.ts'
import { cacheVariables } from '../freight/cache-tools.ts'

type Env = Readonly<Record<string, string>>

/** The variables that a run's commands find: the plan's, where things lie, and what gets and puts told so far. */
export class Variables {
  readonly #places: Env
  readonly #states: Env
  readonly #plan: Pick<Plan, 'env' | 'secrets' | 'caches'>
  readonly #fields: Record<string, string>
  readonly #root: string

  /** @param root  Of the workspace, as the commands see it. */
  constructor(plan: Plan, root: string) {
    this.#plan = plan
    this.#root = root
    this.#fields = { ...plan.resume?.carried.fields }
    const inside = allPlanSteps(stepsOf(plan))
    const gets = [...plan.gets, ...inside.flatMap((step) => (step.kind === 'get' ? [step.get] : []))]
    const got = [...gets.filter(hasFiles), ...inside.flatMap((step) => (bringsFiles(step) ? [step.put] : []))]
    this.#places = Object.fromEntries(
      got.map(({ resource }) => [variableOf(`${resource}.dir`), `${root}/${FOLDERS.inputs}/${resource}`]),
    )
    this.#states = Object.fromEntries(
      plan.statesOf.map((job) => [variableOf(`takt.state.${job}`), `${root}/${FOLDERS.states}/${job}`]),
    )
  }

  /** What gets and puts told so far, by variable. */
  get fields(): Env {
    return this.#fields
  }

  /** What a get or a put tells later steps of its resource. */
  tell(resource: string, fields: Env): void {
    for (const [field, value] of Object.entries(fields))
      this.#fields[variableOf(`${resource}.${field}`)] = value
  }

  /** @param own  Those of the step and of the groups around it: an author's own variables win, except where things lie. */
  of(own: Env): Env {
    return {
      ...this.#places,
      ...cacheVariables(this.#plan, this.#root),
      ...this.#plan.env,
      ...this.#plan.secrets,
      ...this.#fields,
      ...own,
      ...this.#states,
      TAKT_WORKSPACE: `${this.#root}/${FOLDERS.work}`,
      TAKT_STATE: `${this.#root}/${FOLDERS.state}`,
      TAKT_OUTPUT: `${this.#root}/${OUTPUT_FILE}`,
    }
  }
}

const hasFiles = ({ kind }: Get) => kind !== 'values'

type PutStep = Extract<PlanStep, { kind: 'put' }>
/** What an image has put is got at once, where nothing speaks against it. */
const bringsFiles = (step: PlanStep): step is PutStep =>
  step.kind === 'put' && step.put.kind === 'custom' && step.put.params['no_get'] !== true

const stepsOf = ({ steps, hooks }: Plan): PlanStep[] => [...steps, ...Object.values(hooks).flat()]
