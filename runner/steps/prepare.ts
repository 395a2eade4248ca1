import type { RanImage } from '#pipelines/wire/images.ts'
import type { Plan } from '#pipelines/wire/plan.ts'
import type { Engine, OpenOptions } from '../engine.ts'
import { exited } from '../engine.ts'
import type { Freight } from '../freight.ts'
import type { Log } from '../log.ts'
import { Pen } from '../pen.ts'
import type { Resources } from '../resources.ts'
import { withheldWords } from '../secret-texts.ts'
import type { Work } from '../work.ts'
import { runGet } from './act.ts'
import type { Stops } from './clocks.ts'
import { Course } from './course.ts'
import { reportEnd, type Result, resultOf, resultOfError } from './result.ts'
import type { ServiceLogs } from './services.ts'

export type Preparing = {
  readonly engine: Engine
  readonly freight: Freight
  readonly resources: Resources
  readonly log: Log
  readonly stops: Stops
  readonly services: ServiceLogs
  /** Gets the workspace as soon as there is one. */
  readonly rooms: AsyncDisposableStack
}

/**
 * Make a run its place and put into it what its steps shall find there.
 *
 * @returns `course`: null where there is no place. In a place that could not be filled, hooks can still be run.
 */
export async function prepare(
  work: Work,
  house: Preparing,
): Promise<{ readonly course: Course | null; readonly result: Result }> {
  const { stops, log } = house
  const step = work.plan.prepare
  work.report({ kind: 'step.started', step })
  const pen = new Pen((bytes) => work.log(step, bytes))
  const say = async (text: string) => {
    pen.write(Buffer.from(text))
    await work.room(stops.hurry)
  }
  const opened: { course: Course | null } = { course: null }
  const result = await fill(work, { ...house, say, pen, opened }).catch((error: unknown) =>
    resultOfError(error, stops.run),
  )
  if (result.error) pen.write(Buffer.from(`${result.error.message}\n`))
  pen[Symbol.dispose]()
  reportEnd({ work, log }, { step, result, allowed: false })
  return { course: opened.course, result }
}

type Filling = Preparing & {
  readonly say: OpenOptions['say']
  readonly pen: Pen
  readonly opened: { course: Course | null }
}

async function fill(work: Work, house: Filling): Promise<Result> {
  const { stops, say, pen, services, freight, rooms, opened } = house
  const { plan } = work
  const signal = stops.run
  signal.throwIfAborted()
  if (plan.withheld.length > 0) await say(withheldWords(plan.withheld))
  const ran = (image: RanImage) => work.ran(image)
  const options = { signal, say, ran, ...services.told }
  const workspace = rooms.use(await house.engine.open(placeOf(plan), options))
  const course = new Course({ ...house, work, workspace })
  opened.course = course
  if (plan.resume) await freight.resume(work, workspace, options)
  else {
    await freight.bring(work, workspace, options)
    for (const get of plan.gets) await runGet(get, course, { signal, pen })
  }
  signal.throwIfAborted()
  return resultOf(exited(0))
}

/** Where the files of a workspace come from the part of the run before, its commit is among them. */
const placeOf = (plan: Plan): Plan => (plan.resume ? { ...plan, checkout: null } : plan)
