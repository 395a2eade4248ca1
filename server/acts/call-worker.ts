import type { Hints } from '../events/listen.ts'
import { keepLease } from '../events/keep-lease.ts'
import { startWorker, type Worker } from '../events/worker.ts'
import { type Outgoing, OutgoingError } from '../http/outgoing.ts'
import { retryAfterMs } from '../http/retry-after.ts'
import { log } from '../log.ts'
import { Problem } from '../problem.ts'
import {
  beginAttempt,
  claimCalls,
  type Claimed,
  keepCall,
  nextCallMs,
  releaseCall,
  SAY_AGAIN_MS,
} from './claim-calls.ts'
import { judge, type Outcome, unanswered } from './judge.ts'
import { prepareCall, type Prepared, type Preparing } from './prepare-call.ts'
import { settleCall } from './settle-call.ts'

export type Calling = Preparing & { readonly outside: Outgoing }

/** Requests of one server at once. */
const MOST_AT_ONCE = 32
/** What is read of an answer; it is judged whole. */
const MOST_BYTES = 256 * 1024

/**
 * Send the requests of gates. What is to be sent lies in the database and is this server’s for a short time only: when it is killed,
 * another one sends it again, under the same key. Nothing else waits for an answer.
 */
export function startCalls(calling: Calling, loop: { hints: Hints; sweepMs: number }): Worker {
  const underWay = new Set<Promise<void>>()
  let alarm: NodeJS.Timeout | undefined
  const look = async (quit: AbortSignal) => {
    clearTimeout(alarm)
    for (const call of await claimCalls(calling.db, MOST_AT_ONCE - underWay.size)) {
      const going = attempt(calling, call, quit)
        .catch((error: unknown) => log.error({ err: error, gate: call.gate }, 'call.failed')) // its time runs out, and it is sent again
        .finally(() => {
          underWay.delete(going)
          worker.poke()
        })
      underWay.add(going)
    }
    const inMs = await nextCallMs(calling.db)
    // What is due and not taken waits for its project’s turn, or for room here: its time comes with an end.
    if (inMs !== null && inMs < loop.sweepMs) alarm = setTimeout(() => worker.poke(), inMs || 1_000).unref()
    return false
  }
  const worker = startWorker('calls', look, loop)
  return {
    poke: () => worker.poke(),
    async [Symbol.asyncDispose]() {
      await worker[Symbol.asyncDispose]()
      clearTimeout(alarm)
      await Promise.all(underWay)
    },
  }
}

/** One attempt, from the note that it is made to the note of what came of it. */
async function attempt(calling: Calling, call: Claimed, quit: AbortSignal): Promise<void> {
  using lease = keepLease({
    everyMs: SAY_AGAIN_MS,
    renew: () => keepCall(calling.db, call.gate),
    onError: (error) => log.warn({ err: error, gate: call.gate }, 'call.not-kept'),
  })
  try {
    const number = await beginAttempt(calling.db, call.gate)
    if (number === null) return
    const outcome = await outcomeOf(calling, call, AbortSignal.any([quit, lease.signal]))
    if (outcome === null && quit.aborted) return void (await releaseCall(calling.db, call.gate))
    await settleCall(calling.db, { call, attempt: number }, outcome ?? STOPPED)
  } catch (error) {
    if (!(error instanceof Problem)) throw error // its run was deleted meanwhile
  }
}

const STOPPED = unanswered('service_away', 'nobody waited for the answer any more')

/** Null where the answer was not waited for. */
async function outcomeOf(calling: Calling, call: Claimed, signal: AbortSignal): Promise<Outcome | null> {
  const prepared = await prepareCall(calling, call)
  if ('state' in prepared) return prepared
  const outcome = await ask(calling.outside, call, { ...prepared, signal })
  return outcome && masked(outcome, prepared.mask)
}

async function ask(
  outside: Outgoing,
  { spec }: Claimed,
  { url, headers, body, mask, signal }: Prepared & { readonly signal: AbortSignal },
): Promise<Outcome | null> {
  const { method, timeoutMs } = spec
  try {
    const init = { method, headers, body, signal, timeoutMs, mostBytes: MOST_BYTES, redirects: 0 }
    const answer = await outside.fetch(url, init)
    const text = await answer.text()
    const patienceMs = retryAfterMs(answer.headers.get('retry-after')) ?? 0
    return judge(spec, { status: answer.status, text, mask, patienceMs })
  } catch (error) {
    if (signal.aborted) return null
    if (!(error instanceof OutgoingError)) throw error
    const isRefused = error.code === 'address_refused' || error.code === 'bad_address'
    const code = error.code === 'silent' ? 'timeout' : isRefused ? 'call_refused' : 'service_away'
    return unanswered(code, error.message)
  }
}

/** What is kept of an answer opens nothing: a service may say back what it was sent. */
const masked = (outcome: Outcome, mask: Prepared['mask']): Outcome => ({
  ...outcome,
  words: outcome.words === null ? null : mask(outcome.words),
  answer: outcome.answer === null ? null : mask(outcome.answer),
  outputs: Object.fromEntries(Object.entries(outcome.outputs).map(([name, value]) => [name, mask(value)])),
})
