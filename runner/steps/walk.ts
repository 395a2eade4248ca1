import { setTimeout as sleep } from 'node:timers/promises'
import { againAfter } from '#pipelines/plan/again.ts'
import type { HookName, PlanHooks, PlanStep } from '#pipelines/wire/plan.ts'
import { HOOKS } from '#pipelines/wire/plan.ts'
import type { Pen } from '../pen.ts'
import { Stop } from '../stop.ts'
import { runCheckpoint, runCommands, runGet, runPut, type Surroundings } from './act.ts'
import { deadline, stoppedWords } from './clocks.ts'
import type { Course } from './course.ts'
import { isGood, type Result, resultOfError, resultOfStop, SUCCEEDED } from './result.ts'

/** How the members of a list are taken: how many at once, and whether the first that fails ends the others. */
export type Taking = { readonly maxParallel: number | null; readonly failFast: boolean }
export const IN_ORDER: Taking = { maxParallel: 1, failFast: true }

/** Carry out the steps of a list. @returns The first result that is not good; else that they succeeded. */
export async function runSteps(
  steps: readonly PlanStep[],
  course: Course,
  at: Surroundings & Taking,
): Promise<Result> {
  const others = new AbortController()
  const signal = AbortSignal.any([at.signal, others.signal])
  const waiting = [...steps]
  const failed: { name: string; result: Result }[] = []
  const next = async () => {
    for (let step = waiting.shift(); step; step = waiting.shift()) {
      const [first] = failed
      if (first && at.failFast) course.leaveOut([step], beforeWords(first))
      else if (at.signal.aborted) course.leaveOut([step], stoppedWords(at.signal))
      else {
        const result = await runStep(step, course, { ...at, signal })
        if (isGood(result)) continue
        failed.push({ name: step.name, result })
        if (at.failFast) others.abort(new Stop('cancelled', `\`${step.name}\` did not succeed.`))
      }
    }
  }
  const atOnce = Math.min(at.maxParallel ?? steps.length, steps.length)
  await Promise.all(Array.from({ length: atOnce }, next))
  if (failed[0]) return failed[0].result
  return at.signal.aborted && at.signal.reason instanceof Stop ? resultOfStop(at.signal.reason) : SUCCEEDED
}

const beforeWords = ({ name, result }: { name: string; result: Result }) => `\`${name}\` ${cameTo(result)}`

const cameTo = ({ state }: Result) => (state === 'cancelled' ? 'was cancelled' : state)

/** Carry out one step with its tries and its hooks. @returns What it means for what stands behind it. */
async function runStep(step: PlanStep, course: Course, at: Surroundings): Promise<Result> {
  if (step.skip !== null) {
    course.leaveOut([step], step.skip)
    return SUCCEEDED
  }
  course.work.report({ kind: 'step.started', step: step.step })
  const pen = course.pen(step.step)
  // Its hooks and its members find what it says of itself.
  const inside = { ...at, env: { ...at.env, ...step.env }, image: step.image ?? at.image }
  const result = await tryStep(step, course, { ...inside, pen })
  const allowed = step.allowFailure && result.state === 'failed'
  pen[Symbol.dispose]()
  course.ended(step.step, result, allowed)
  const turned = await runHooks(step.hooks, course, { ...inside, result, of: `\`${step.name}\`` })
  if (turned !== result) course.ended(step.step, turned, false)
  return allowed ? SUCCEEDED : turned
}

type Trying = Surroundings & { readonly pen: Pen }

async function tryStep(step: PlanStep, course: Course, at: Trying): Promise<Result> {
  for (let tries = 1; ; tries++) {
    const result = await tryOnce(step, course, at)
    const again = at.signal.aborted ? null : againFor(step, result, tries)
    if (!again) return result
    at.pen.write(Buffer.from(`${again.reason.replace(/\.$/, '')}; again in ${again.pauseMs / 1_000} s\n`))
    const waited = await sleep(again.pauseMs, true, { signal: at.signal }).catch(() => false) // stopped: no other try
    if (!waited) return resultOfError(at.signal.reason, at.signal)
    at.pen.flush()
    course.work.report({ kind: 'step.tried', step: step.step, tries: tries + 1 })
  }
}

function againFor({ retry }: PlanStep, { state, exitCode, error }: Result, tries: number) {
  if (!retry || (state !== 'failed' && state !== 'errored')) return null
  const move = state === 'failed' ? 'fail' : 'break'
  const { code = null, message = null } = error ?? {}
  return againAfter(retry, { attempt: tries, move, code, message, exitCode }, Math.random())
}

async function tryOnce(step: PlanStep, course: Course, at: Trying): Promise<Result> {
  using clock = deadline(step.timeoutMs, 'step')
  const signal = AbortSignal.any([at.signal, clock.signal])
  const firm = AbortSignal.any([at.firm, clock.signal])
  try {
    const result = await act(step, course, { ...at, signal, firm })
    if (result.error && step.kind !== 'group') at.pen.write(Buffer.from(`${result.error.message}\n`))
    return result
  } catch (error) {
    const result = resultOfError(error, signal)
    if (result.error) at.pen.write(Buffer.from(`${result.error.message}\n`))
    return result
  }
}

function act(step: PlanStep, course: Course, at: Trying): Promise<Result> {
  switch (step.kind) {
    case 'run':
      return runCommands(step, course, at)
    case 'get':
      return runGet(step.get, course, at)
    case 'put':
      return runPut(step.put, course, at)
    case 'checkpoint':
      return runCheckpoint(step, course, at)
    case 'group': {
      const { maxParallel, failFast } = step
      return runSteps(step.steps, course, { ...at, maxParallel, failFast })
    }
  }
}

const HOOK_OF: Readonly<Record<Result['state'], HookName>> = {
  succeeded: 'on_success',
  skipped: 'on_success',
  failed: 'on_failure',
  errored: 'on_error',
  cancelled: 'on_cancel',
}

export type Hooking = Surroundings & {
  readonly result: Result
  /** What the hooks belong to, in words. */
  readonly of: string
}

/**
 * Carry out the hooks of what came to `result`, those for every end last.
 *
 * @returns That result; where it was good and a hook was not, the hook's: a hook never makes good what was not.
 */
export async function runHooks(hooks: PlanHooks, course: Course, at: Hooking): Promise<Result> {
  const fitting = HOOK_OF[at.result.state]
  let result = at.result
  for (const name of HOOKS) {
    const steps = hooks[name]
    if (steps.length === 0) continue
    if (name !== fitting && name !== 'always') course.leaveOut(steps, `${at.of} ${cameTo(at.result)}`)
    else if (course.stops.hurry.aborted) course.leaveOut(steps, stoppedWords(course.stops.hurry))
    else {
      const signal = course.stops.forHooks(at.firm)
      const ended = await runSteps(steps, course, { ...at, ...IN_ORDER, signal, firm: signal })
      if (isGood(result)) result = isGood(ended) ? result : ended
    }
  }
  return result
}
