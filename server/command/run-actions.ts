import type { z } from 'zod'
import type { Run } from '../runs/shapes.ts'
import type { RunItems } from '../scheduler/shapes.ts'
import { call } from './call.ts'
import { readConfig } from './config.ts'
import { memberAt, pipelineAt } from './places.ts'
import { note, out, outJson } from './print.ts'

type Json = { readonly json?: true }
type Follow = Json & { readonly follow?: true }
type AnyRun = Pick<z.output<typeof Run>, 'id' | 'state'>
/** `name=value`, as often as it was said; the last one counts. */
export type Pairs = readonly (readonly [name: string, value: string])[]

type Asked = { readonly lane?: string; readonly version?: Pairs; readonly input?: Pairs }

/** Run a job now: with the newest versions it may have, but for those that were chosen. */
export async function trigger(
  job: string,
  { lane, version, input, ...options }: Follow & Asked,
): Promise<number> {
  const body = {
    ...(lane === undefined ? {} : { lane }),
    ...(version === undefined ? {} : { versions: Object.fromEntries(version) }),
    ...(input === undefined ? {} : { inputs: Object.fromEntries(input) }),
  }
  return tellBegun(await act(`${memberAt('jobs', job)}/runs`, body), options)
}

/** Run again with the very same versions, or with the newest ones; if it fails, its container is kept for as long as `hold` says. */
export const retry = async (
  id: number,
  {
    newest,
    hold,
    failed,
    ...options
  }: Follow & { readonly newest?: true; readonly hold?: string; readonly failed?: true },
): Promise<number> => {
  if (failed) return rerunAround(id, options)
  const body = { ...(newest ? { with: 'newest' } : {}), ...(hold === undefined ? {} : { hold }) }
  return tellBegun(await act(`/api/v1/runs/${id}/retry`, body), options)
}

/** Run again from where a run left a checkpoint, with the files that it had there. */
export const restore = async (id: number, checkpoint: string, options: Follow): Promise<number> =>
  tellBegun(await act(`/api/v1/runs/${id}/restore`, { checkpoint }), options)

/** Run again whatever did not turn green with a version on a lane. */
export async function rerun(
  pipeline: string,
  { json, ...body }: Json & { readonly lane: string; readonly version: string },
): Promise<number> {
  const config = readConfig()
  const path = `${pipelineAt(pipeline)}/rerun`
  const { items } = await call<z.output<typeof RunItems>>(config, path, { method: 'POST', body })
  return tellAgain(items, { ...(json ? { json } : {}), none: 'no job has failed with it' })
}

/** Run again whatever failed with the versions of a run. */
async function rerunAround(id: number, { json }: Json): Promise<number> {
  const path = `/api/v1/runs/${id}/rerun`
  const { items } = await call<z.output<typeof RunItems>>(readConfig(), path, { method: 'POST', body: {} })
  return tellAgain(items, { ...(json ? { json } : {}), none: 'no job of its line stopped with its versions' })
}

function tellAgain(
  items: z.output<typeof RunItems>['items'],
  { json, none }: Json & { readonly none: string },
): number {
  if (json) outJson({ items, next: null })
  else if (items.length === 0) note(`nothing to run again: ${none}`)
  else for (const run of items) out(`${run.id}  ${run.job}`)
  return 0
}

export async function cancel(
  id: number,
  { reason, json }: Json & { readonly reason?: string },
): Promise<number> {
  const run = await act(`/api/v1/runs/${id}/cancel`, reason === undefined ? {} : { reason })
  if (json) outJson(run)
  else
    note(
      run.state === 'cancelled'
        ? `run ${id} is cancelled`
        : `run ${id} is being cancelled; it is ${run.state} still`,
    )
  return 0
}

const act = (path: string, body: object) => call<AnyRun>(readConfig(), path, { method: 'POST', body })

async function tellBegun(run: AnyRun, { json, follow }: Follow): Promise<number> {
  if (json) outJson(run)
  else if (!follow) {
    out(String(run.id))
    note(`run ${run.id} is ${run.state}; watch it with: takt logs -f ${run.id}`)
  }
  if (!follow) return 0
  const { logs } = await import('./logs.ts')
  return logs(run.id, { follow: true })
}
