import type { z } from 'zod'
import type { Status, StatusList } from '../statuses/shapes.ts'
import { call } from './call.ts'
import { readConfig } from './config.ts'
import { localTime, note, out, outJson, painted, short, table } from './print.ts'

type Shown = z.output<typeof Status>
type Asked = {
  readonly json?: true
  readonly project?: string
  readonly state?: string
  readonly sha?: string
  readonly retry?: number
}

/** What forges are told of commits, newest first; or one of them is sent once more. */
export async function statuses({ json, retry, ...query }: Asked): Promise<number> {
  const config = readConfig()
  if (retry !== undefined) {
    const again = await call<Shown>(config, `/api/v1/statuses/${retry}/retry`, { method: 'POST' })
    if (json) outJson(again)
    else note(`${again.name} of ${short(again.sha)} is sent once more`)
    return 0
  }
  const list = await call<z.output<typeof StatusList>>(config, '/api/v1/statuses', { query })
  if (json) {
    outJson(list)
    return 0
  }
  for (const { name, host, reason, opens_at } of list.forges)
    if (reason !== null)
      note(`${name} (${host}): ${reason}${opens_at === null ? '' : `; asked again ${localTime(opens_at)}`}`)
  if (list.forges.length === 0) note('no forge is told: set GITHUB_TOKEN, GITLAB_TOKEN or GITEA_TOKEN')
  if (list.items.length === 0) note('no such statuses')
  else
    out(painted(table(['STATUS', 'COMMIT', 'NAME', 'SAYS', 'STATE', 'WORDS'], list.items.map(row)), config))
  return 0
}

const row = ({ id, sha, name, verdict, state, error, words }: Shown): string[] => [
  ...[String(id), short(sha), name, verdict, state],
  error ?? words,
]
