import type { Log } from '../log.ts'
import { orAbort } from '../stop.ts'
import type { Course } from './course.ts'

/** Nobody waits longer for a number that is nice to have. */
const ASKED_MS = 2_000

/** Tell what the run took of the machine, where the engine knows it. */
export async function tellUsage({ work, workspace, stops, plan }: Course, log: Log): Promise<void> {
  if (stops.hurry.aborted) return
  try {
    const usage = await orAbort(workspace.usage(), AbortSignal.timeout(ASKED_MS))
    if (usage.peakMemoryBytes !== null || usage.cpuMs !== null) work.report({ kind: 'usage', ...usage })
  } catch (error) {
    // Nothing of the run depends on it: its containers may be gone, as its verdict says.
    log.debug({ run: plan.run, reason: String(error) }, 'usage.unknown')
  }
}
