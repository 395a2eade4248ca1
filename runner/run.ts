import type { Plan, PlanStep } from '#pipelines/wire/plan.ts'
import type { ReportEntry } from '#pipelines/wire/runner.ts'
import { EngineError, exited } from './engine.ts'
import type { Engine, ExitStatus, Shell, Workspace } from './engine.ts'
import type { Freight } from './freight.ts'
import type { Log } from './log.ts'
import { Pen } from './pen.ts'
import type { Resources } from './resources.ts'
import { withheldWords } from './secret-texts.ts'
import { Stop } from './stop.ts'
import type { Lobby } from './terminal/lobby.ts'
import type { Work } from './work.ts'

type RunStep = Extract<PlanStep, { kind: 'run' }>

/** The steps that are commands. */
const runSteps = ({ steps }: Plan): RunStep[] =>
  steps.flatMap((step) => (step.kind === 'run' && step.skip === null ? [step] : []))

type Verdict = Omit<Extract<ReportEntry, { kind: 'run.ended' }>, 'kind'>
type EndState = Extract<ReportEntry, { kind: 'step.ended' }>['state']
/** What carries runs out, the same for all of them. */
export type House = {
  readonly engine: Engine
  readonly log: Log
  readonly freight: Freight
  readonly resources: Resources
  /** Where there is none, nobody looks into a run, and nothing is kept. */
  readonly lobby?: Pick<Lobby, 'admit' | 'keep'>
}

/** Timers count in 31 bits; nobody waits longer than these 24 days. */
const LONGEST_MS = 2 ** 31 - 1
const MOST_CHARACTERS = 4_000
/** Step 0 is the runner's own. */
const PREPARE_STEP = 0

/**
 * Carry out a run from its first step to its verdict, reporting as it goes. Never throws.
 *
 * Every way out reports `run.ended`, exactly once, and before the workspace is removed: nobody waits for that.
 */
export async function perform(work: Work, house: House): Promise<void> {
  const { run, attempt, job } = work.plan
  house.log.info({ run, attempt, job }, 'run.taken')
  await using rooms = new AsyncDisposableStack()
  const verdict = await passThrough(work, house, rooms)
  work.report({ kind: 'run.ended', ...verdict })
  house.log.info({ run, attempt, move: verdict.move, code: verdict.error?.code }, 'run.ended')
  if (isKept(work, verdict)) house.lobby?.keep(work.plan, rooms.move())
}

/** A container is kept where that was asked for and there is something to look into: what failed, or broke underway. */
const isKept = ({ plan, signal }: Work, { move }: Verdict) =>
  plan.holdMs > 0 && (move === 'fail' || move === 'break') && !forgotten(signal)

const forgotten = ({ aborted, reason }: AbortSignal) =>
  aborted && reason instanceof Stop && (reason.why === 'forgotten' || reason.why === 'runner_stopped')

async function passThrough(work: Work, house: House, rooms: AsyncDisposableStack): Promise<Verdict> {
  using clock = deadline(work.plan.timeoutMs)
  const signal = AbortSignal.any([work.signal, clock.signal])
  try {
    const workspace = await prepare(work, house.engine, signal)
    rooms.use(workspace)
    if (house.lobby) rooms.use(house.lobby.admit({ plan: work.plan, workspace }))
    const shell = await workspace.shell(null, signal)
    for (const step of runSteps(work.plan)) {
      const { exitCode, error } = await runStep(work, { shell, step, signal })
      if (exitCode !== 0) return { move: 'fail', error, exitCode }
    }
    return { move: 'succeed', error: null, exitCode: null }
  } catch (error) {
    const { move, reason } = judge(error, signal)
    if (reason?.code === 'runner_failed') house.log.error({ run: work.plan.run, err: error }, 'run.broke')
    return { move, error: reason, exitCode: null }
  }
}

async function prepare(work: Work, engine: Engine, signal: AbortSignal): Promise<Workspace> {
  const opened: { workspace: Workspace | null } = { workspace: null }
  await inStep(work, { step: PREPARE_STEP, signal }, async (pen) => {
    const say = async (text: string) => {
      pen.write(Buffer.from(text))
      await work.room(signal)
    }
    signal.throwIfAborted()
    const { withheld } = work.plan
    if (withheld.length > 0) await say(withheldWords(withheld))
    opened.workspace = await engine.open(work.plan, { signal, say })
    return exited(0)
  })
  if (!opened.workspace) throw new Error('The engine opened no workspace.')
  return opened.workspace
}

type StepFacts = {
  readonly shell: Shell
  readonly step: RunStep
  readonly signal: AbortSignal
}

async function runStep(
  work: Work,
  { shell, step: { step, commands, env }, signal }: StepFacts,
): Promise<ExitStatus> {
  return inStep(work, { step, signal }, async (pen) => {
    const output = shell.run({ commands, env: { ...work.plan.env, ...work.plan.secrets, ...env } }, signal)
    try {
      let next = await output.next()
      for (; !next.done; next = await output.next()) {
        if (next.value.kind === 'bytes') {
          pen.write(next.value.bytes)
          await work.room(signal)
        } else {
          pen.flush()
          work.report({ step, ...next.value })
        }
      }
      return next.value
    } finally {
      await output.return(exited(0)) // after an end of its own this does nothing
    }
  })
}

/** One step between its `step.started` and its `step.ended`, all its output said in between. */
async function inStep(
  work: Work,
  { step, signal }: { readonly step: number; readonly signal: AbortSignal },
  act: (pen: Pen) => Promise<ExitStatus>,
): Promise<ExitStatus> {
  work.report({ kind: 'step.started', step })
  const pen = new Pen((bytes) => work.log(step, bytes))
  try {
    const status = await act(pen)
    pen[Symbol.dispose]()
    const { exitCode } = status
    const state = exitCode === 0 ? 'succeeded' : 'failed'
    work.report({ kind: 'step.ended', step, state, exitCode, allowed: false })
    return status
  } catch (error) {
    const { state, reason } = judge(error, signal)
    if (reason) pen.write(Buffer.from(`${reason.message}\n`))
    pen[Symbol.dispose]()
    work.report({ kind: 'step.ended', step, state, exitCode: null, allowed: false })
    throw error
  }
}

type Judgement = {
  readonly move: Verdict['move']
  readonly state: EndState
  readonly reason: Verdict['error']
}

/** Whose fault it was that a run did not come to an end of its own. */
function judge(error: unknown, signal: AbortSignal): Judgement {
  if (signal.aborted && signal.reason instanceof Stop) return stopped(signal.reason)
  const code = error instanceof EngineError ? error.code : 'runner_failed'
  const message =
    error instanceof EngineError ? error.message : `The runner could not go on: ${String(error)}`
  return { move: 'break', state: 'errored', reason: { code, message: message.slice(0, MOST_CHARACTERS) } }
}

function stopped({ why, message }: Stop): Judgement {
  switch (why) {
    case 'cancelled':
    case 'forgotten':
      return { move: 'cancel', state: 'cancelled', reason: null }
    case 'timeout':
      return { move: 'fail', state: 'failed', reason: { code: why, message } }
    case 'runner_stopped':
      return { move: 'break', state: 'errored', reason: { code: why, message } }
  }
}

function deadline(timeoutMs: number): Disposable & { readonly signal: AbortSignal } {
  const late = new AbortController()
  const sentence = `The run took longer than the ${inWords(timeoutMs)} it has.`
  const timer = setTimeout(() => late.abort(new Stop('timeout', sentence)), Math.min(timeoutMs, LONGEST_MS))
  return { signal: late.signal, [Symbol.dispose]: () => clearTimeout(timer) }
}

const inWords = (ms: number) => (ms % 60_000 === 0 ? `${ms / 60_000} min` : `${ms / 1_000} s`)
