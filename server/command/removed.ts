import type { z } from 'zod'
import type { RemovedList } from '../lines/removed-routes.ts'
import { call } from './call.ts'
import { readConfig } from './config.ts'
import { localTime, note, out, outJson, painted, short, table } from './print.ts'

type Json = { readonly json?: true }
type List = z.output<typeof RemovedList>
const at = (project: string) => `/api/v1/projects/${encodeURIComponent(project)}/removed`

/** What the default branch has no more, and whose history is still there. */
export async function listRemoved(project: string, { json }: Json): Promise<number> {
  const config = readConfig()
  const list = await call<List>(config, at(project))
  if (json) outJson(list)
  else if (list.items.length === 0) note('nothing is removed')
  else
    out(
      painted(
        table(
          ['WHAT', 'NAME', 'REMOVED', 'BY', 'NEWEST RUN'],
          list.items.map((one) => [
            one.deleting ? `${one.of}, being deleted` : one.of,
            one.of === 'pipeline' ? `${project}/${one.name}` : `${project}/${one.pipeline}/${one.name}`,
            ...[localTime(one.removed_at), short(one.commit ?? '-')],
            one.newest_run ? `#${one.newest_run.number} (run ${one.newest_run.id})` : '-',
          ]),
        ),
        config,
      ),
    )
  return 0
}

type Deletion = Json & { readonly confirm: string; readonly resource?: true }

/** Its history goes for good. */
export async function deleteRemoved(place: string, { json, confirm, resource }: Deletion): Promise<number> {
  const [project = '', pipeline = '', member] = place.split('/')
  const of = member === undefined ? 'pipeline' : resource ? 'resource' : 'job'
  const body = { of, pipeline, name: member ?? pipeline, confirm }
  const answer = await call<List>(readConfig(), `${at(project)}/delete`, { method: 'POST', body })
  if (json) outJson(answer)
  else note(`the history of ${place} is being deleted`)
  return 0
}
