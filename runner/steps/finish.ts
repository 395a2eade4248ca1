import { exited } from '../engine.ts'
import type { Freight } from '../freight.ts'
import type { Course } from './course.ts'
import { isGood, type Result, resultOf, resultOfError } from './result.ts'

const ENDED = {
  succeeded: 'succeeded',
  skipped: 'succeeded',
  failed: 'failed',
  errored: 'errored',
  cancelled: 'cancelled',
} as const satisfies Record<Result['state'], string>

/**
 * Take out of the workspace what others shall find of the run, also where it failed.
 *
 * @returns What the run comes to: what cannot be taken out breaks a run that was good.
 */
export async function finish(result: Result, course: Course, freight: Freight): Promise<Result> {
  const { plan, work, workspace, stateTouched, stops } = course
  if (stops.hurry.aborted || !(freight.needsTake(plan) || stateTouched)) return result
  const step = plan.finish
  const signal = stops.forHooks(stops.run)
  const pen = course.pen(step)
  work.report({ kind: 'step.started', step })
  const say = async (text: string) => {
    pen.write(Buffer.from(text))
    await course.room()
  }
  const taken = await freight
    .take(work, workspace, { signal, say, ended: ENDED[result.state], stateTouched })
    .then(
      () => resultOf(exited(0)),
      (error: unknown) => resultOfError(error, signal),
    )
  if (taken.error) pen.write(Buffer.from(`${taken.error.message}\n`))
  pen[Symbol.dispose]()
  course.ended(step, taken, false)
  return isGood(result) ? taken : result
}
