import type { Plan } from '#pipelines/wire/plan.ts'
import { exited } from '../engine.ts'
import type { Course } from './course.ts'
import { type Result, resultOf, resultOfError } from './result.ts'

/**
 * Hand the workspace to the server, behind the last step before a gate.
 *
 * @returns What the run comes to where that is not good: nobody could go on with it.
 */
export async function handOver(
  { step, position }: NonNullable<Plan['handOver']>,
  course: Course,
): Promise<Result> {
  const { work, workspace, freight, stops } = course
  const signal = stops.run
  const pen = course.pen(step)
  work.report({ kind: 'step.started', step })
  const say = async (text: string) => {
    pen.write(Buffer.from(text))
    await course.room()
  }
  const result = await freight.handOver(work, workspace, { signal, say, position, checkpoint: null }).then(
    () => resultOf(exited(0)),
    (error: unknown) => resultOfError(error, signal),
  )
  if (result.error) pen.write(Buffer.from(`${result.error.message}\n`))
  pen[Symbol.dispose]()
  course.ended(step, result, false)
  return result
}
