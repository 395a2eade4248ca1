import type { Values } from '../language/expression/interpolate.ts'
import type { Call, Retry, Step, TriggerJob, Wait } from '../language/step.ts'
import { type Ask, entriesIn } from './compile-ask.ts'
import { putIn } from './put-in.ts'

/** What the server does or hears at a gate, its values put in; no secret is in it. */
export type GateAct =
  | ({ readonly kind: 'call'; readonly timeoutMs: number; readonly retry: Retry | null } & Call)
  | ({ readonly kind: 'trigger' } & TriggerJob)
  | { readonly kind: 'event'; readonly resource: string }
  | { readonly kind: 'callback'; readonly callback: string }

/** The act of a gate, and in words what the gate waits for. */
export type Acting = { readonly act: GateAct; readonly words: string }

/** A service that says nothing for so long says nothing any more. */
const CALL_MS = 30_000
/** No longer than anybody waits for one answer. */
export const LONGEST_CALL_MS = 10 * 60_000

export function callIn(ask: Ask, step: Extract<Step, { kind: 'call' }>, values: Values): Acting {
  const { service, method, expect, json, outputs, retry, timeoutMs } = step
  const put = (text: string, where: string) => ask(putIn(text, values, `call.${where}`))
  const path = put(step.path, 'path')
  const act: GateAct = {
    ...{ kind: 'call', service, method, path, expect, outputs, retry },
    headers: entriesIn(ask, step.headers, { values, where: 'call.headers' }),
    body: step.body === null ? null : put(step.body, 'body'),
    json: Object.fromEntries(
      Object.entries(json).map(([place, texts]) => [
        place,
        texts.map((text) => put(text, `expect.${place}`)),
      ]),
    ),
    timeoutMs: Math.min(timeoutMs ?? CALL_MS, LONGEST_CALL_MS),
  }
  return { act, words: `calls ${service}: ${method} ${path}`.slice(0, 300) }
}

export function triggerIn(ask: Ask, step: Extract<Step, { kind: 'trigger' }>, values: Values): Acting {
  const { project, pipeline, job, wait } = step
  const inputs = entriesIn(ask, step.inputs, { values, where: 'trigger.inputs' })
  const lane = step.lane === null ? null : ask(putIn(step.lane, values, 'trigger.lane'))
  const address = [project, pipeline, job].filter((part) => part !== null).join('/')
  return {
    act: { kind: 'trigger', project, pipeline, job, wait, inputs, lane },
    words: `${wait ? 'runs' : 'starts'} ${address}${lane === null ? '' : ` on ${lane}`}`,
  }
}

export const heardAt = (wait: Extract<Wait, { for: 'event' | 'callback' }>): Acting =>
  wait.for === 'event'
    ? {
        act: { kind: 'event', resource: wait.resource },
        words: `waits for the next version of ${wait.resource}`,
      }
    : {
        act: { kind: 'callback', callback: wait.callback },
        words: `waits for the callback ${wait.callback}`,
      }
