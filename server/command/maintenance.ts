import type { z } from 'zod'
import type { ServerMaintenance } from '../runners/maintenance-routes.ts'
import { call } from './call.ts'
import { readConfig } from './config.ts'
import { localTime, note, out, outJson, plain } from './print.ts'

type Json = { readonly json?: true }
type Now = z.output<typeof ServerMaintenance>
const PATH = '/api/v1/server/maintenance'

/** Nothing begins on the whole server until the maintenance ends. */
export const begin = async ({ json, reason }: Json & { readonly reason: string }): Promise<number> =>
  told(await call<Now>(readConfig(), PATH, { method: 'PUT', body: { reason } }), json)

export const end = async ({ json }: Json): Promise<number> =>
  told(await call<Now>(readConfig(), PATH, { method: 'DELETE' }), json)

/** Whether there is any. */
export async function status({ json }: Json): Promise<number> {
  const now = await call<Now>(readConfig(), PATH)
  if (json) outJson(now)
  else out(wordsOf(now))
  return 0
}

function told(now: Now, json: true | undefined): number {
  if (json) outJson(now)
  else note(wordsOf(now))
  return 0
}

const wordsOf = ({ maintenance }: Now) =>
  maintenance
    ? `in maintenance since ${localTime(maintenance.at)}, by ${plain(maintenance.by ?? 'somebody')}: ${plain(maintenance.reason)}`
    : 'no maintenance: everything goes its way'
