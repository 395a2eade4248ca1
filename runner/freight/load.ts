import type { CallServer } from '../call-server.ts'
import type { OpenOptions, Workspace } from '../engine.ts'
import type { TakeOptions } from '../freight.ts'
import type { Work } from '../work.ts'

/** What moving files needs to know of its run. */
export type Load = {
  readonly call: CallServer
  readonly work: Work
  readonly workspace: Workspace
} & Pick<OpenOptions, 'signal' | 'say'>

/** How a run ended, as far as it matters to its files. */
export type Ending = Pick<TakeOptions, 'ended' | 'stateTouched'>
