import type { Plan } from '#pipelines/wire/plan.ts'
import { type CallServer, Refusal } from '../call-server.ts'
import { EngineError, StepFailed } from '../engine.ts'
import type { Freight } from '../freight.ts'
import type { Work } from '../work.ts'
import { bringCaches, keepCaches, openAgain, type OpenCache } from './caches.ts'
import { bringBack, handOver } from './hand-over.ts'
import { bringKept, keepFiles } from './kept.ts'
import { sendReports } from './reports.ts'
import { bringStates, leaveState } from './states.ts'

/** Files between workspaces and the server, as packed archives over HTTP. */
export function serverFreight(call: CallServer): Freight {
  const open = new WeakMap<Work, readonly OpenCache[]>()
  return {
    async bring(work, workspace, { signal, say }) {
      const load = { call, work, workspace, signal, say }
      await inWords('brought in', async () => {
        await bringKept(load)
        await bringStates(load)
        open.set(work, await bringCaches(load))
      })
    },
    async resume(work, workspace, { signal, say }) {
      await inWords('brought back', () => bringBack({ call, work, workspace, signal, say }))
      open.set(work, openAgain(work.plan))
    },
    async handOver(work, workspace, { signal, say, ...place }) {
      await inWords('handed over', () => handOver({ call, work, workspace, signal, say }, place))
    },
    cachesOf: (work) =>
      (open.get(work) ?? []).map(({ cache: { name }, key, isFresh }) => ({ name, key, isFresh })),
    needsTake: ({ keep, caches, statesLeft, job, reports }: Plan) =>
      keep !== null || caches.length > 0 || statesLeft.includes(job) || hasReports(reports),
    async take(work, workspace, options) {
      const load = { call, work, workspace, signal: options.signal, say: options.say }
      await inWords('taken out', async () => {
        if (options.ended !== 'cancelled') await sendReports(load)
        await keepFiles(load, options)
        if (options.ended !== 'succeeded') return
        await leaveState(load, options)
        await keepCaches(load, open.get(work) ?? [])
      })
    },
  }
}

const hasReports = ({ junit, coverage }: Plan['reports']) => junit.length > 0 || coverage.length > 0

/** The server's refusal is the run's end, in its words. */
async function inWords(what: string, act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    if (error.code === 'state-too-large') throw new StepFailed(1, `${error.message}.`)
    const code = error.code === 'files-expired' ? 'files_expired' : 'files_refused'
    throw new EngineError(code, `Files could not be ${what}: ${error.message}.`, { cause: error })
  }
}
