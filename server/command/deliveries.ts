import type { z } from 'zod'
import type { Delivery, DeliveryDetail, DeliveryList } from '../webhooks/delivery-shapes.ts'
import { call } from './call.ts'
import { readConfig } from './config.ts'
import { localTime, note, out, outJson, plain, plainLines, table } from './print.ts'

type Json = { readonly json?: true }
type Wanted = Json & {
  readonly project?: string
  readonly source?: string
  readonly event?: string
  readonly state?: string
  readonly limit?: string
}
type Told = z.output<typeof Delivery>

/** What others told us, newest first. */
export async function listDeliveries({ json, ...query }: Wanted): Promise<number> {
  const list = await call<z.output<typeof DeliveryList>>(readConfig(), '/api/v1/deliveries', { query })
  if (json) outJson(list)
  else if (list.items.length === 0) note('nothing of the kind was delivered for a project that you maintain')
  else
    out(
      table(['#', 'RECEIVED', 'FROM', 'EVENT', 'PROJECT', 'STATE', 'WHAT BECAME OF IT'], list.items.map(row)),
    )
  return 0
}

const row = ({ id, received_at, source, event, about, project, state, reason }: Told) => [
  ...[String(id), localTime(received_at), source, about === null ? event : `${event} ${about}`],
  ...[project ?? '-', state, reason ?? ''],
]

type ShowOptions = Json & { readonly payload?: true }

/** One of them: what came of it, and with `--payload` its body and nothing else. */
export async function showDelivery(id: number, { json, payload }: ShowOptions): Promise<number> {
  const told = await call<z.output<typeof DeliveryDetail>>(readConfig(), `/api/v1/deliveries/${id}`)
  if (json) outJson(told)
  else if (payload && told.payload_removed_at === null) out(plainLines(told.payload))
  else if (!payload) out(linesOf(told).map(plain).join('\n'))
  if (told.payload_removed_at !== null)
    note(`its payload was removed ${localTime(told.payload_removed_at)}: it cannot be replayed`)
  if (payload && told.cut) note('only the beginning of the payload is shown; the API has all of it')
  return 0
}

function linesOf(told: z.output<typeof DeliveryDetail>): string[] {
  const { event, about, source, state, reason, headers, versions, runs } = told
  return [
    `delivery ${told.id}: ${event} ${about ?? ''} from ${source}, ${localTime(told.received_at)}`,
    `${state}${reason === null ? '' : `: ${reason}`}`,
    ...versions.map(
      (each) => `version  ${each.project}/${each.pipeline} ${each.resource} ${each.version} on ${each.lane}`,
    ),
    ...runs.map(
      (run) => `run      ${run.id} ${run.project}/${run.pipeline} ${run.job} on ${run.lane}: ${run.state}`,
    ),
    ...Object.entries(headers).map(([name, value]) => `header   ${name}: ${value}`),
  ]
}

/** Have one looked at once more. */
export async function replayDelivery(id: number): Promise<number> {
  await call(readConfig(), `/api/v1/deliveries/${id}/replay`, { method: 'POST' })
  note(`delivery ${id} is looked at once more; \`takt deliveries show ${id}\` says what becomes of it`)
  return 0
}

type Comparison = { readonly compared_at: string | null; readonly error: string | null }

/** Have the refs of a project's repository compared. */
export async function catchUp(project: string, { json }: Json): Promise<number> {
  const path = `/api/v1/projects/${encodeURIComponent(project)}/catch-up`
  const standing = await call<Comparison>(readConfig(), path, { method: 'POST' })
  if (json) outJson(standing)
  else
    note(
      `the refs of ${project} are compared; \`takt deliveries --project ${project}\` shows what that finds`,
    )
  return 0
}
