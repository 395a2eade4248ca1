import type { ReportEntry } from '#pipelines/wire/runner.ts'
import type { Engine } from './engine.ts'
import type { Freight } from './freight.ts'
import type { Log } from './log.ts'
import type { Resources } from './resources.ts'
import { Stops, stoppedWords } from './steps/clocks.ts'
import { leaveOut } from './steps/course.ts'
import { finish } from './steps/finish.ts'
import { prepare } from './steps/prepare.ts'
import { isGood, type Result, resultOfError } from './steps/result.ts'
import { ServiceLogs } from './steps/services.ts'
import { tellUsage } from './steps/usage.ts'
import { IN_ORDER, runHooks, runSteps } from './steps/walk.ts'
import type { Lobby } from './terminal/lobby.ts'
import type { Work } from './work.ts'

type Verdict = Omit<Extract<ReportEntry, { kind: 'run.ended' }>, 'kind'>
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
 * Every way out reports `run.ended`, exactly once, and before the workspace is removed: nobody waits for that.
 *
 * @param ended  Called right behind that report; what is left of the run is removed after it.
 */
export async function perform(work: Work, house: House, ended: () => void): Promise<void> {
  const { run, attempt, job } = work.plan
  house.log.info({ run, attempt, job }, 'run.taken')
  await using rooms = new AsyncDisposableStack()
  const verdict = await passThrough(work, house, rooms)
  work.report({ kind: 'run.ended', ...verdict })
  house.log.info({ run, attempt, move: verdict.move, code: verdict.error?.code }, 'run.ended')
  ended()
  if (isKept(work, verdict)) house.lobby?.keep(work.plan, rooms.move())
}

/** A container is kept where that was asked for and there is something to look into: what failed, or broke underway. */
const isKept = ({ plan, hurry }: Work, { move }: Verdict) =>
  plan.holdMs > 0 && (move === 'fail' || move === 'break') && !hurry.aborted

async function passThrough(work: Work, house: House, rooms: AsyncDisposableStack): Promise<Verdict> {
  using stops = new Stops(work, work.plan.timeoutMs)
  const services = new ServiceLogs(work, stops.hurry)
  try {
    return verdictOf(await carryOut(work, { ...house, stops, services, rooms }))
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

async function carryOut(work: Work, house: Carrying): Promise<Result> {
  const { plan } = work
  const { stops, log, freight } = house
  const { course, result: prepared } = await prepare(work, house)
  if (course && house.lobby) house.rooms.use(house.lobby.admit(course))
  const all = { signal: stops.run, env: {}, image: null }
  const reason = stops.run.aborted ? stoppedWords(stops.run) : 'the run could not be prepared'
  if (!isGood(prepared)) leaveOut(work, plan.steps, reason)
  if (!course) {
    leaveOut(work, Object.values(plan.hooks).flat(), reason)
    return prepared
  }
  const came = isGood(prepared) ? await runSteps(plan.steps, course, { ...all, ...IN_ORDER }) : prepared
  const hooked = await runHooks(plan.hooks, course, { ...all, result: came, of: 'the job' })
  const result = await finish(hooked, course, freight)
  await tellUsage(course, log)
  return result
}

const MOVES: Readonly<Record<Result['state'], Verdict['move']>> = {
  succeeded: 'succeed',
  skipped: 'succeed',
  failed: 'fail',
  errored: 'break',
  cancelled: 'cancel',
}

const verdictOf = ({ state, error, exitCode }: Result): Verdict => ({
  move: MOVES[state],
  error,
  exitCode: state === 'failed' ? exitCode : null,
})
