import type { Carried, Plan } from '#pipelines/wire/plan.ts'
import type { OpenOptions, Workspace } from './engine.ts'
import type { Work } from './work.ts'

export type TakeOptions = OpenOptions & {
  /** What the run came to, its hooks included. */
  readonly ended: 'succeeded' | 'failed' | 'errored' | 'cancelled'
  /** Whether anything stands in the folder `state`. */
  readonly stateTouched: boolean
}

export type HandingOver = OpenOptions & {
  /** The step that comes next. */
  readonly position: number
  /** Its name, where the workspace is kept at a checkpoint and the run goes on in it. */
  readonly checkpoint: string | null
}

/** Moves files between a run's workspace and the server: kept files, caches, state, reports. */
export interface Freight {
  /**
   * Before the first step, as a part of `prepare`: what earlier runs left for this one.
   *
   * @throws {EngineError} Where the run cannot go on without it; a cache that is not there is no such case.
   */
  bring(work: Work, workspace: Workspace, options: OpenOptions): Promise<void>
  /**
   * Instead of that, for a run that goes on behind a gate: the workspace as it was there.
   *
   * @throws {EngineError} Where it cannot be had.
   */
  resume(work: Work, workspace: Workspace, options: OpenOptions): Promise<void>
  /**
   * The whole workspace to the server, for whoever goes on with it.
   *
   * @throws {StepFailed} Where it is more than fits. @throws {EngineError} Where the server does not take it.
   */
  handOver(work: Work, workspace: Workspace, options: HandingOver): Promise<void>
  /** The caches that were brought to the run, or to the part of it before. */
  cachesOf(work: Work): Carried['caches']
  /** Whether the plan has anything to take out, whatever becomes of the run; else the step `finish` is not begun. */
  needsTake(plan: Plan): boolean
  /**
   * After the last hook, as the step `finish`: what others shall find of this run.
   *
   * @throws {EngineError} Where something could not be taken out that somebody relies on: the run breaks with it.
   */
  take(work: Work, workspace: Workspace, options: TakeOptions): Promise<void>
}

/** Moves nothing. */
export const noFreight: Freight = {
  bring: async () => {},
  resume: async () => {},
  handOver: async () => {},
  cachesOf: () => [],
  needsTake: () => false,
  take: async () => {},
}
