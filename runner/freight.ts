import type { Plan } from '#pipelines/wire/plan.ts'
import type { OpenOptions, Workspace } from './engine.ts'
import type { Work } from './work.ts'

export type TakeOptions = OpenOptions & {
  /** What the run came to, its hooks included. */
  readonly ended: 'succeeded' | 'failed' | 'errored' | 'cancelled'
  /** Whether anything stands in the folder `state`. */
  readonly stateTouched: boolean
}

/** Moves files between a run's workspace and the server: kept files, caches, state, reports. */
export interface Freight {
  /**
   * Before the first step, as a part of `prepare`: what earlier runs left for this one.
   *
   * @throws {EngineError} Where the run cannot go on without it; a cache that is not there is no such case.
   */
  bring(work: Work, workspace: Workspace, options: OpenOptions): Promise<void>
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
  needsTake: () => false,
  take: async () => {},
}
