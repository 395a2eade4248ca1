import type { z } from 'zod'
import type { EventList, Source, SourceList } from '../sources/shapes.ts'
import { call } from './call.ts'
import { readConfig } from './config.ts'
import { Ending, WRONG_USE } from './ending.ts'
import { localTime, note, out, outJson, painted, table } from './print.ts'

type Json = { readonly json?: true }
type AnySource = z.output<typeof Source>

/** The address of a source in the API, named as `<project>/<source>`. */
function sourceAt(text: string): string {
  const [project = '', source = '', ...more] = text.split('/')
  if (project === '' || source === '' || more.length > 0)
    throw new Ending(WRONG_USE, `\`${text}\` names no source: write <project>/<source>`)
  return `/api/v1/projects/${encodeURIComponent(project)}/sources/${encodeURIComponent(source)}`
}

/** The streams that a project reads, and how that goes. */
export async function listSources(project: string, { json }: Json): Promise<number> {
  const config = readConfig()
  const path = `/api/v1/projects/${encodeURIComponent(project)}/sources`
  const list = await call<z.output<typeof SourceList>>(config, path)
  if (json) outJson(list)
  else if (list.items.length === 0) note(`${project} reads no sources: takt sources set`)
  else
    out(
      painted(
        table(['SOURCE', 'KIND', 'STREAM', 'STATE', 'LAST', 'WAITING', 'DEAD', 'ERROR'], list.items.map(row)),
        config,
      ),
    )
  return list.items.some(({ state }) => state === 'broken') ? 1 : 0
}

const row = ({ name, kind, stream, state, last_at, waiting, dead, error }: AnySource): string[] => [
  ...[
    name,
    kind,
    stream,
    state,
    last_at === null ? '-' : localTime(last_at),
    String(waiting),
    String(dead),
    error ?? '',
  ],
]

type Said = Json & { readonly kind: string; readonly addresses: readonly string[]; readonly stream: string }

/** Read a stream from now on, or otherwise than before. */
export async function setSource(name: string, { json, ...said }: Said): Promise<number> {
  const source = await call<AnySource>(readConfig(), sourceAt(name), { method: 'PUT', body: said })
  if (json) outJson(source)
  else note(`${name} reads ${source.stream} as ${source.group}; takt sources list tells how that goes`)
  return 0
}

/** Read a stream no more. */
export async function removeSource(name: string): Promise<number> {
  await call(readConfig(), sourceAt(name), { method: 'DELETE' })
  note(`${name} is read no more`)
  return 0
}

/** What a source handed out, and what became of it. */
export async function listEvents(
  name: string,
  { json, state }: Json & { readonly state?: string },
): Promise<number> {
  const config = readConfig()
  const list = await call<z.output<typeof EventList>>(config, `${sourceAt(name)}/events`, {
    query: { state },
  })
  const rows = list.items.map((event) => [
    ...[String(event.id), localTime(event.received_at), event.event, event.state, event.reason ?? ''],
  ])
  if (json) outJson(list)
  else if (rows.length === 0) note('no such events')
  else out(painted(table(['EVENT', 'AT', 'NAME', 'STATE', 'WHAT BECAME OF IT'], rows), config))
  return 0
}

/** Look at an event once more. */
export async function replayEvent(name: string, id: number): Promise<number> {
  await call(readConfig(), `${sourceAt(name)}/events/${id}/replay`, { method: 'POST' })
  note(`event ${id} is looked at; takt sources events ${name} tells what became of it`)
  return 0
}
