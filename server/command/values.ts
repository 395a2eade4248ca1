import { text } from 'node:stream/consumers'
import type { z } from 'zod'
import type { Value, ValueHistory, ValueList } from '../values/shapes.ts'
import { call, send } from './call.ts'
import { readConfig } from './config.ts'
import { localTime, note, out, outJson, plain, table } from './print.ts'

type Json = { readonly json?: true }
type One = z.output<typeof Value>

const at = (project: string, key?: string) =>
  `/api/v1/projects/${encodeURIComponent(project)}/values${key === undefined ? '' : `/${encodeURIComponent(key)}`}`

export async function listValues(
  project: string,
  { json, prefix }: Json & { readonly prefix?: string },
): Promise<number> {
  const config = readConfig()
  const items: z.output<typeof ValueList>['items'] = []
  let after: string | undefined
  do {
    const page = await call<z.output<typeof ValueList>>(config, at(project), { query: { prefix, after } })
    items.push(...page.items)
    after = page.next ?? undefined
  } while (after !== undefined)
  if (json) outJson({ items, next: null })
  else if (items.length === 0) note(`${project} has no such values: takt kv set ${project} <key> <value>`)
  else
    out(
      table(
        ['KEY', 'VALUE', 'VERSION', 'SET', 'BY'],
        items.map((item) => [
          ...[item.key, shortly(item.value), String(item.version)],
          ...[localTime(item.set_at), item.set_by],
        ]),
      ),
    )
  return 0
}

const shortly = (value: string) => {
  const line = plain(value)
  return line.length > 60 ? `${line.slice(0, 59)}…` : line
}

/** The value itself and nothing else, so that a script can take it. */
export async function getValue(project: string, key: string, { json }: Json): Promise<number> {
  const value = await call<One>(readConfig(), at(project, key))
  if (json) outJson(value)
  else out(value.value)
  return 0
}

type If = { readonly ifVersion?: string; readonly new?: true }
const headersOf = ({ ifVersion, new: isNew }: If): Record<string, string> => ({
  ...(ifVersion === undefined ? {} : { 'if-match': `"${ifVersion}"` }),
  ...(isNew ? { 'if-none-match': '*' } : {}),
})

/** Set it to `given`; without that, to what stands on standard input. */
export async function setValue(
  { project, key }: { readonly project: string; readonly key: string },
  given: string | undefined,
  { json, ...precondition }: Json & If,
): Promise<number> {
  const value = given ?? (await text(process.stdin)).replace(/\r?\n$/, '')
  const set = await call<One>(readConfig(), at(project, key), {
    method: 'PUT',
    body: { value },
    headers: headersOf(precondition),
  })
  if (json) outJson(set)
  else note(`${key} of ${project} is at version ${set.version}`)
  return 0
}

export async function removeValue(project: string, key: string, precondition: If): Promise<number> {
  await send(readConfig(), at(project, key), { method: 'DELETE', headers: headersOf(precondition) })
  note(`${key} of ${project} is removed; takt kv history ${project} ${key} tells what it was`)
  return 0
}

/** Prints the number that came of it. */
export async function incrementValue(
  project: string,
  key: string,
  { json, by = 1 }: Json & { readonly by?: number },
): Promise<number> {
  const value = await call<One>(readConfig(), `${at(project, key)}/increment`, {
    method: 'POST',
    body: { by },
  })
  if (json) outJson(value)
  else out(value.value)
  return 0
}

export async function historyOfValue(project: string, key: string, { json }: Json): Promise<number> {
  const list = await call<z.output<typeof ValueHistory>>(readConfig(), `${at(project, key)}/history`)
  if (json) outJson(list)
  else
    out(
      table(
        ['VERSION', 'VALUE', 'SET', 'BY'],
        list.items.map(({ version, value, set_at, set_by }) => [
          ...[String(version), value === null ? '(removed)' : shortly(value)],
          ...[localTime(set_at), set_by],
        ]),
      ),
    )
  return 0
}
