import { call } from './call.ts'
import { readConfig } from './config.ts'
import { out, outJson, plain } from './print.ts'

type Hook = { readonly sender: string; readonly url: string; readonly secret: string; readonly how: string }
type Options = { readonly source?: string; readonly json?: true }

/** The address and the secret of each who may tell a project of something. */
export async function showHook(project: string, { source, json }: Options): Promise<number> {
  const path = `/api/v1/projects/${encodeURIComponent(project)}/hooks`
  const list = await call<{ items: readonly Hook[] }>(readConfig(), path, { query: { source } })
  if (json) outJson(list)
  else out(list.items.map(paragraph).join('\n\n'))
  return 0
}

const paragraph = ({ sender, url, secret, how }: Hook) =>
  [sender, `  address  ${url}`, `  secret   ${secret}`, `  ${how}`].map(plain).join('\n')
