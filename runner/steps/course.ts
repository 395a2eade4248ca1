import type { Carried, Plan, PlanStep } from '#pipelines/wire/plan.ts'
import { allPlanSteps } from '#pipelines/wire/plan.ts'
import type { ExitStatus, Workspace } from '../engine.ts'
import type { Freight } from '../freight.ts'
import type { Log } from '../log.ts'
import { Pen } from '../pen.ts'
import type { Resources } from '../resources.ts'
import type { Work } from '../work.ts'
import type { Stops } from './clocks.ts'
import { Outputs } from './outputs.ts'
import { reportEnd, type Result } from './result.ts'
import { Shells } from './shells.ts'
import { Variables } from './variables.ts'

type CourseFacts = {
  readonly work: Work
  readonly workspace: Workspace
  readonly resources: Resources
  readonly freight: Freight
  readonly stops: Stops
  readonly log: Log
}

/** Tell of steps that are not begun, with all that is inside them. */
export function leaveOut(work: Work, steps: readonly PlanStep[], reason: string): void {
  for (const { step } of allPlanSteps(steps)) work.report({ kind: 'step.skipped', step, reason })
}

/** One run under way: what all of its steps share, and what they leave behind. */
export class Course {
  readonly work: Work
  readonly workspace: Workspace
  readonly resources: Resources
  readonly stops: Stops
  readonly shells: Shells
  readonly variables: Variables
  readonly #outputs: Outputs
  readonly #log: Log
  #stateTouched: boolean
  readonly freight: Freight

  constructor({ work, workspace, resources, freight, stops, log }: CourseFacts) {
    const { resume, outputs } = work.plan
    this.work = work
    this.workspace = workspace
    this.resources = resources
    this.freight = freight
    this.stops = stops
    this.#log = log
    this.shells = new Shells(workspace, work.plan.image)
    this.variables = new Variables(work.plan, workspace.root)
    this.#stateTouched = resume?.carried.stateTouched ?? false
    this.#outputs = new Outputs(outputs, resume?.outputs)
    if (resume && Object.keys(resume.outputs).length > 0)
      work.report({ kind: 'outputs', values: resume.outputs })
  }

  get plan(): Plan {
    return this.work.plan
  }

  /** Whether anything stood in the folder `state` when somebody last looked. */
  get stateTouched(): boolean {
    return this.#stateTouched
  }

  /** What whoever goes on with the run needs besides its files. */
  get carried(): Carried {
    const { stateTouched, variables, freight, work } = this
    return { stateTouched, fields: variables.fields, caches: freight.cachesOf(work) }
  }

  /** Take note of what a step left for others; what is wrong with it stands in the step's log. */
  note({ output, stateTouched }: ExitStatus, pen: Pen): void {
    this.#stateTouched = stateTouched
    if (output === null) return
    const { changed, complaints } = this.#outputs.read(output)
    for (const sentence of complaints) pen.write(Buffer.from(sentence))
    if (changed) this.work.report({ kind: 'outputs', values: this.#outputs.values })
  }

  /** The log of one step. */
  pen(step: number): Pen {
    return new Pen((bytes) => this.work.log(step, bytes))
  }

  /** Wait until the log has room; only where everything ends at once does nobody wait. */
  room(): Promise<void> {
    return this.work.room(this.stops.hurry)
  }

  /** Tell of steps that are not begun, with all that is inside them. */
  leaveOut(steps: readonly PlanStep[], reason: string): void {
    leaveOut(this.work, steps, reason)
  }

  ended(step: number, result: Result, allowed: boolean): void {
    reportEnd({ work: this.work, log: this.#log }, { step, result, allowed })
  }
}
