import type { Plan } from '#pipelines/wire/plan.ts'
import type { ReportEntry } from '#pipelines/wire/runner.ts'
import type { Engine } from './engine.ts'
import type { Freight } from './freight.ts'
import type { Log } from './log.ts'
import type { Resources } from './resources.ts'
import { Stops, stoppedWords } from './steps/clocks.ts'
import { leaveOut } from './steps/course.ts'
import { finish } from './steps/finish.ts'
import { handOver } from './steps/hand-over.ts'
import { prepare } from './steps/prepare.ts'
import { isGood, type Result, resultOfError } from './steps/result.ts'
import { ServiceLogs } from './steps/services.ts'
import { tellUsage } from './steps/usage.ts'
import { IN_ORDER, runHooks, runSteps } from './steps/walk.ts'
import type { Lobby } from './terminal/lobby.ts'
import type { Work } from './work.ts'

type Entry<Kind extends ReportEntry['kind']> = Extract<ReportEntry, { kind: Kind }>
/** The last that is said of a run, or of this runner's part of it. */
type Verdict = Entry<'run.ended'> | Entry<'part.ended'>
/** What carries runs out, the same for all of them. */
export type House = {
  readonly engine: Engine
  readonly log: Log
  readonly freight: Freight
  readonly resources: Resources
  /** Where there is none, nobody looks into a run, and nothing is kept. */
  readonly lobby?: Pick<Lobby, 'admit' | 'keep'>
}

/**
 * Carry out a run from its first step to its verdict, reporting as it goes. Never throws.
 *
 * Every way out reports `run.ended`, or `part.ended` before a gate, exactly once, and before the workspace is removed: nobody waits for that.
 *
 * @param ended  Called right behind that report; what is left of the run is removed after it.
 */
export async function perform(work: Work, house: House, ended: () => void): Promise<void> {
  const { run, attempt, job } = work.plan
  house.log.info({ run, attempt, job }, 'run.taken')
  await using rooms = new AsyncDisposableStack()
  const verdict = await passThrough(work, house, rooms)
  work.report(verdict)
  house.log.info({ run, attempt, ...inShort(verdict) }, verdict.kind)
  ended()
  if (isKept(work, verdict)) house.lobby?.keep(work.plan, rooms.move())
}

/** A container is kept where that was asked for and there is something to look into: what failed, or broke underway. */
const isKept = ({ plan, hurry }: Work, verdict: Verdict) =>
  plan.holdMs > 0 && 'move' in verdict && ['fail', 'break'].includes(verdict.move) && !hurry.aborted

const inShort = (verdict: Verdict) =>
  verdict.kind === 'run.ended' ? { move: verdict.move, code: verdict.error?.code } : {}

async function passThrough(work: Work, house: House, rooms: AsyncDisposableStack): Promise<Verdict> {
  using stops = new Stops(work, work.plan.timeoutMs)
  const services = new ServiceLogs(work, stops.hurry)
  try {
    return await carryOut(work, { ...house, stops, services, rooms })
  } catch (error) {
    house.log.error({ run: work.plan.run, err: error }, 'run.broke')
    return verdictOf(resultOfError(error, stops.run))
  } finally {
    services.close()
  }
}

type Carrying = House & {
  readonly stops: Stops
  readonly services: ServiceLogs
  readonly rooms: AsyncDisposableStack
}

async function carryOut(work: Work, house: Carrying): Promise<Verdict> {
  const { plan } = work
  const { stops, log, freight } = house
  const { course, result: prepared } = await prepare(work, house)
  if (course && house.lobby) house.rooms.use(house.lobby.admit(course))
  const all = { signal: stops.run, firm: stops.run, env: {}, image: null }
  const reason = stops.run.aborted ? stoppedWords(stops.run) : 'the run could not be prepared'
  if (!isGood(prepared)) leaveOut(work, plan.steps, reason)
  if (!course) {
    leaveOut(work, Object.values(plan.hooks).flat(), reason)
    return verdictOf(prepared)
  }
  const passed = isGood(prepared) ? await runSteps(plan.steps, course, { ...all, ...IN_ORDER }) : prepared
  const came = isGood(passed) && plan.handOver ? await handOver(plan.handOver, course) : passed
  if (isGood(came) && plan.handOver) {
    await tellUsage(course, log)
    return { kind: 'part.ended', carried: course.carried }
  }
  const hooked = await runHooks(plan.hooks, course, { ...all, result: endedAs(plan, came), of: 'the job' })
  const result = await finish(hooked, course, freight)
  await tellUsage(course, log)
  return verdictOf(result)
}

/** A run that came to its end at a gate ends so: only its hooks are left. */
const endedAs = ({ ending }: Plan, came: Result): Result =>
  ending && isGood(came) ? { ...ending, exitCode: null } : came

const MOVES: Readonly<Record<Result['state'], Entry<'run.ended'>['move']>> = {
  succeeded: 'succeed',
  skipped: 'succeed',
  failed: 'fail',
  errored: 'break',
  cancelled: 'cancel',
}

const verdictOf = ({ state, error, exitCode }: Result): Verdict => ({
  kind: 'run.ended',
  move: MOVES[state],
  error,
  exitCode: state === 'failed' ? exitCode : null,
})
