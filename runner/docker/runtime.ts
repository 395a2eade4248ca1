import type { Log } from '../log.ts'
import { addressesOfMachine, type LookFacts } from './look.ts'
import { wordsOf } from './refusal.ts'

type Facts = Omit<LookFacts, 'runtime'> & {
  readonly log: Log
  /** By name, what the engine says it has. */
  readonly runtimes: Readonly<Record<string, unknown>>
}

/**
 * The faster runtime, where the engine has it and it works. An engine lists what its operator wrote down: the program may be
 * missing, or refuse the machine (as crun does where control groups are of both versions), and every run would break.
 */
export async function runtimeOf(facts: Facts, signal: AbortSignal): Promise<'crun' | null> {
  const { log, runtimes, ...look } = facts
  if (!('crun' in runtimes)) return null
  try {
    await addressesOfMachine({ ...look, runtime: 'crun' }, signal)
    return 'crun'
  } catch (error) {
    signal.throwIfAborted()
    log.warn({ runtime: 'crun', reason: wordsOf(error) }, 'runtime.refused')
    return null
  }
}
