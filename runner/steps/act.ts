import type { Get, PlanStep, Put } from '#pipelines/wire/plan.ts'
import type { ExitStatus, Output } from '../engine.ts'
import { exited } from '../engine.ts'
import type { Pen } from '../pen.ts'
import type { Place } from '../resources.ts'
import { Silence } from './clocks.ts'
import type { Course } from './course.ts'
import { type Result, resultOf } from './result.ts'

/** What a step has from those around it. */
export type Surroundings = {
  readonly signal: AbortSignal
  /** What ends its hooks, too: all that ends the step, but a neighbour that failed. */
  readonly firm: AbortSignal
  readonly env: Readonly<Record<string, string>>
  /** Null: the job's. */
  readonly image: string | null
}

type Acting = Surroundings & { readonly pen: Pen }
type RunStep = Extract<PlanStep, { kind: 'run' }>

/** Feed a step's commands to a shell and pass on what they say. */
export async function runCommands(
  { step, commands }: RunStep,
  course: Course,
  { signal, env, image, pen }: Acting,
): Promise<Result> {
  using place = await course.shells.take(image, signal)
  using silence = new Silence(course.plan.inactivityMs)
  const either = AbortSignal.any([signal, silence.signal])
  const output = place.shell.run({ commands, env: course.variables.of(env) }, either)
  try {
    const status = await passOn(output, { step, course, pen, silence })
    course.note(status, pen)
    return resultOf(status)
  } finally {
    await output.return(exited(0)) // after an end of its own this does nothing
  }
}

type PassingOn = {
  readonly step: number
  readonly course: Course
  readonly pen: Pen
  readonly silence: Silence
}

async function passOn(
  output: AsyncGenerator<Output, ExitStatus>,
  { step, course, pen, silence }: PassingOn,
): Promise<ExitStatus> {
  let next = await output.next()
  for (; !next.done; next = await output.next()) {
    if (next.value.kind === 'bytes') {
      using _deaf = silence.deafen()
      pen.write(next.value.bytes)
      await course.room()
    } else {
      pen.flush()
      course.work.report({ step, ...next.value })
      silence.heard()
    }
  }
  return next.value
}

export async function runGet(get: Get, course: Course, at: Pick<Acting, 'signal' | 'pen'>): Promise<Result> {
  const fields = await course.resources.get(get, placeOf(course, at))
  course.variables.tell(get.resource, fields)
  return resultOf(exited(0))
}

export async function runPut(put: Put, course: Course, at: Pick<Acting, 'signal' | 'pen'>): Promise<Result> {
  const { version, fields } = await course.resources.put(put, placeOf(course, at))
  course.variables.tell(put.resource, { version, ...fields })
  return resultOf(exited(0))
}

/** The workspace as it is, kept at the server; the run goes on in it. */
export async function runCheckpoint(
  { label: checkpoint, position }: Extract<PlanStep, { kind: 'checkpoint' }>,
  course: Course,
  { signal, pen }: Pick<Acting, 'signal' | 'pen'>,
): Promise<Result> {
  const { work, workspace, freight } = course
  const say = async (text: string) => {
    pen.write(Buffer.from(text))
    await course.room()
  }
  await freight.handOver(work, workspace, { signal, say, position, checkpoint })
  work.report({ kind: 'checkpoint.kept', position, checkpoint, carried: course.carried })
  return resultOf(exited(0))
}

const placeOf = (course: Course, { signal, pen }: Pick<Acting, 'signal' | 'pen'>): Place => ({
  work: course.work,
  workspace: course.workspace,
  signal,
  write: async (bytes) => {
    pen.write(bytes)
    await course.room()
  },
})
