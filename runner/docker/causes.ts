import type { ExitStatus } from '../engine.ts'
import { type Limits, sizeInWords } from './limits.ts'

type Cause = NonNullable<ExitStatus['error']>

export const outOfMemory = ({ memoryBytes }: Limits): Cause => ({
  code: 'out_of_memory',
  message: `The step needed more than the ${sizeInWords(memoryBytes)} of memory it has. \`limits: { memory: … }\` of the job asks for more.`,
})

export const pidsExhausted = ({ pids }: Limits): Cause => ({
  code: 'pids_exhausted',
  message: `The step wanted more than the ${pids} processes and threads it may have at a time. \`limits: { pids: … }\` of the job asks for more.`,
})

export const diskFull = (usedBytes: number, limitBytes: number, who: 'run' | 'check' = 'run'): Cause => ({
  code: 'disk_full',
  message: `The ${who} had written ${sizeInWords(usedBytes)}; the operator of this runner lets it have ${sizeInWords(limitBytes)} (TAKT_DISK).`,
})

/** Nobody's fault who wrote the job. */
export const MACHINE_FULL = 'The disk on which the engine keeps its containers and volumes is full.'
