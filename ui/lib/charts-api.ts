import type { InferResponseType } from 'hono/client'
import { type Answer, answer, part, v1 } from './api.ts'
import type { ChartsWanted } from './chart-places.ts'

const ofProject = v1.projects[':project'].metrics
const ofOrganization = v1.organizations[':organization'].metrics

export type Metrics = InferResponseType<typeof v1.metrics.$get, 200>
export type Point = Metrics['points'][number]
export type Quantiles = NonNullable<Metrics['total']['duration']>

function ask({ whose, range }: ChartsWanted, signal: AbortSignal): Promise<Answer<Metrics>> {
  const query = { range }
  const init = { init: { signal } }
  if (whose.of === 'project')
    return answer(ofProject.$get({ param: { project: part(whose.name) }, query }, init))
  if (whose.of === 'organization')
    return answer(ofOrganization.$get({ param: { organization: part(whose.name) }, query }, init))
  return answer(v1.metrics.$get({ query }, init))
}

/** Runs are counted a moment after they end. */
const COUNTED_IN_MS = 500
const MOST_LOOKS = 6

/** How runs fared, with all those that had ended when it was asked. */
export async function metrics(wanted: ChartsWanted, signal: AbortSignal): Promise<Answer<Metrics>> {
  const first = await ask(wanted, signal)
  let seen = first
  for (let looks = 1; seen.body.counted < first.cursor && looks < MOST_LOOKS; looks++) {
    await rest(COUNTED_IN_MS, signal)
    seen = await ask(wanted, signal)
  }
  return seen
}

/** @throws What the signal says when it aborts. */
export const rest = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => (clearTimeout(timer), reject(signal.reason)), { once: true })
  })
