import type { z } from 'zod'
import type { Notice, NoticeList, NoticeRules } from '../notices/shapes.ts'
import { call } from './call.ts'
import { readConfig } from './config.ts'
import { localTime, note, out, outJson, plain, table } from './print.ts'

type Json = { readonly json?: true }
type One = z.output<typeof Notice>

const at = (project: string) => `/api/v1/projects/${encodeURIComponent(project)}/notices`
/** @param line  `<project>/<pipeline>`. */
const rulesAt = (line: string) => {
  const [project = '', pipeline = 'main'] = line.split('/')
  return `/api/v1/projects/${encodeURIComponent(project)}/pipelines/${encodeURIComponent(pipeline)}/notify`
}

/** What people were told, newest first. */
export async function listNotices(
  project: string,
  { json, state, pipeline }: Json & { readonly state?: string; readonly pipeline?: string },
): Promise<number> {
  const list = await call<z.output<typeof NoticeList>>(readConfig(), at(project), {
    query: { state, pipeline },
  })
  if (json) outJson(list)
  else if (list.items.length === 0) note(`nobody was told anything of ${project} yet`)
  else out(table(['NOTICE', 'STATE', 'TO', 'CREATED', 'ATTEMPTS', 'TELLS'], list.items.map(row)))
  return 0
}

const row = (notice: One): string[] => [
  ...[String(notice.id), notice.state, placeOf(notice)],
  ...[localTime(notice.created_at), String(notice.attempts.length)],
  plain(notice.error ?? (notice.test ? 'a test' : `${notice.items[0]?.text ?? ''}${more(notice.count - 1)}`)),
]
const more = (left: number) => (left > 0 ? `, and ${left} more` : '')
const placeOf = ({ channel, destination }: One) => plain(`${channel} ${destination}`.trim())

export async function retryNotice(project: string, id: number, { json }: Json): Promise<number> {
  const notice = await call<One>(readConfig(), `${at(project)}/${id}/retry`, { method: 'POST' })
  if (json) outJson(notice)
  else note(`notice ${id} goes to ${placeOf(notice)} again: takt notices list ${project}`)
  return 0
}

/** Who is told of what. */
export async function listRules(line: string, { json }: Json): Promise<number> {
  const list = await call<z.output<typeof NoticeRules>>(readConfig(), rulesAt(line))
  if (json) outJson(list)
  else if (list.items.length === 0) note(`the file of ${line} tells nobody: write \`notify\` in it`)
  else
    out(
      table(
        ['RULE', 'CHANNEL', 'TO', 'WHEN', 'ABOUT', 'LACKS'],
        list.items.map(({ index, channel, to, when, jobs, lanes, lacks }) => [
          ...[String(index), channel, plain(to.join(', ')) || '-', when.join(', ')],
          ...[[...jobs, ...lanes].join(', ') || 'everything', lacks ?? '-'],
        ]),
      ),
    )
  return 0
}

/** Send a test to every place of a rule. */
export async function tryRule(line: string, index: number, { json }: Json): Promise<number> {
  const sent = await call<z.output<typeof NoticeList>>(readConfig(), `${rulesAt(line)}/${index}/test`, {
    method: 'POST',
  })
  if (json) outJson(sent)
  else {
    const project = line.split('/')[0] ?? ''
    for (const notice of sent.items) note(`notice ${notice.id} goes to ${placeOf(notice)}`)
    note(`what came of it: takt notices list ${plain(project)}`)
  }
  return 0
}
