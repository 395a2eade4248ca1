import type { z } from 'zod'
import type { Run } from '../runs/shapes.ts'
import { call } from './call.ts'
import { readConfig } from './config.ts'
import { Ending, WRONG_USE } from './ending.ts'
import { note, out, outJson } from './print.ts'

type Json = { readonly json?: true }
type Follow = Json & { readonly follow?: true }
type AnyRun = Pick<z.output<typeof Run>, 'id' | 'state'>

/** Run a job now, with the newest versions it may have. */
export async function trigger(
  job: string,
  { lane, ...options }: Follow & { readonly lane?: string },
): Promise<number> {
  const parts = job.split('/')
  if (parts.length !== 3 || parts.includes(''))
    throw new Ending(WRONG_USE, `\`${job}\` names no job: write <project>/<pipeline>/<job>`)
  const [project = '', pipeline = '', name = ''] = parts.map(encodeURIComponent)
  const path = `/api/v1/projects/${project}/pipelines/${pipeline}/jobs/${name}/runs`
  return tellBegun(await act(path, lane === undefined ? {} : { lane }), options)
}

/** Run again with the very same versions. */
export const retry = async (id: number, options: Follow): Promise<number> =>
  tellBegun(await act(`/api/v1/runs/${id}/retry`, {}), options)

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
