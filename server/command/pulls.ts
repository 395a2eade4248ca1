import type { z } from 'zod'
import type { PullHead, PullHeadList } from '../pulls/shapes.ts'
import { call } from './call.ts'
import { type Config, readConfig } from './config.ts'
import { Ending, WRONG_USE } from './ending.ts'
import { localTime, note, out, outJson, painted, short, table } from './print.ts'

type Head = z.output<typeof PullHead>
type Json = { readonly json?: true }
export type PullAt = { readonly project: string; readonly number: number }

/** Commits of forks that wait for somebody's word, newest first, or those of another state. */
export async function pulls({
  json,
  state = 'waiting',
  project,
}: Json & { readonly state?: string; readonly project?: string }): Promise<number> {
  const config = readConfig()
  const list = await heads(config, { project, ...(state === 'all' ? {} : { state }) })
  if (json) outJson(list)
  else if (list.items.length === 0)
    note(state === 'waiting' ? 'no pull request waits for anybody' : 'no such pull requests')
  else out(painted(table(['PULL', 'HEAD', 'STATE', 'ASKED', 'AUTHOR', 'TITLE'], list.items.map(row)), config))
  return 0
}

const row = ({ project, number, head, state, asked_at, author, title }: Head): string[] => [
  ...[`${project}#${number}`, short(head), state, localTime(asked_at), author, title],
]

const heads = (config: Config, query: Readonly<Record<string, string | undefined>>) =>
  call<z.output<typeof PullHeadList>>(config, '/api/v1/pulls', { query })

type Said = Json & { readonly comment?: string; readonly head?: string }

/** Decide on the head that waits now, or on the very one that is named. */
export async function decidePull(
  { project, number }: PullAt,
  verdict: 'approve' | 'reject',
  { json, comment, head }: Said,
): Promise<number> {
  const config = readConfig()
  const wanted = head ?? (await waiting(config, { project, number }))
  const body = { head: wanted, ...(comment === undefined ? {} : { comment }) }
  const path = `/api/v1/projects/${encodeURIComponent(project)}/pulls/${number}/${verdict}`
  const decided = await call<Head>(config, path, { method: 'POST', body })
  if (json) outJson(decided)
  else note(`${short(decided.head)} of ${project}#${number} (${decided.title}) is ${decided.state}`)
  return 0
}

async function waiting(config: Config, { project, number }: PullAt): Promise<string> {
  const { items } = await heads(config, { project, number: String(number), state: 'waiting' })
  const [head] = items
  if (head) return head.head
  throw new Ending(WRONG_USE, `${project}#${number} waits for nobody; \`takt pulls\` lists what does`)
}
