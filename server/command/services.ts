import type { z } from 'zod'
import type { Service, ServiceList } from '../acts/services-shapes.ts'
import { call, send } from './call.ts'
import { readConfig } from './config.ts'
import { Ending, WRONG_USE } from './ending.ts'
import { localTime, note, out, outJson, table } from './print.ts'

type Json = { readonly json?: true }

/** The address of a service in the API, named as `<project>/<service>`. */
function serviceAt(text: string): string {
  const [project = '', service = '', ...more] = text.split('/')
  if (project === '' || service === '' || more.length > 0)
    throw new Ending(WRONG_USE, `\`${text}\` names no service: write <project>/<service>`)
  return `/api/v1/projects/${encodeURIComponent(project)}/services/${encodeURIComponent(service)}`
}

function headerOf(text: string): [string, string] {
  const colon = text.indexOf(':')
  if (colon < 1) throw new Ending(WRONG_USE, `\`${text}\` is no header: write 'Name: value'`)
  return [text.slice(0, colon).trim(), text.slice(colon + 1).trim()]
}

/** What the lines of a project may call. */
export async function listServices(project: string, { json }: Json): Promise<number> {
  const path = `/api/v1/projects/${encodeURIComponent(project)}/services`
  const list = await call<z.output<typeof ServiceList>>(readConfig(), path)
  const rows = list.items.map(({ name, url, headers, updated_at, updated_by }) => [
    ...[name, url, Object.keys(headers).join(', ')],
    ...[localTime(updated_at), updated_by ?? ''],
  ])
  if (json) outJson(list)
  else if (rows.length === 0)
    note(`${project} declares no services: takt services set ${project}/<name> <url>`)
  else out(table(['SERVICE', 'ADDRESS', 'HEADERS', 'SET', 'BY'], rows))
  return 0
}

type Said = Json & { readonly url: string; readonly header: readonly string[] }

/** Declare a service from now on, or otherwise than before. */
export async function setService(name: string, { json, url, header }: Said): Promise<number> {
  const body = { url, headers: Object.fromEntries(header.map(headerOf)) }
  const service = await call<z.output<typeof Service>>(readConfig(), serviceAt(name), { method: 'PUT', body })
  if (json) outJson(service)
  else note(`${name} is ${service.url}; \`call: { service: ${service.name} }\` calls it`)
  return 0
}

/** Call a service no more. */
export async function removeService(name: string): Promise<number> {
  await send(readConfig(), serviceAt(name), { method: 'DELETE' })
  note(`${name} is called no more`)
  return 0
}
