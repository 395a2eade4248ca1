import { text } from 'node:stream/consumers'
import { call, send } from './call.ts'
import { readConfig } from './config.ts'
import { Ending, WRONG_USE } from './ending.ts'
import { note, out, outJson, table } from './print.ts'

type Json = { readonly json?: true }
type Secret = { readonly name: string; readonly updated_at: string; readonly updated_by: string }

const at = (project: string, name?: string) =>
  `/api/v1/projects/${encodeURIComponent(project)}/secrets${name === undefined ? '' : `/${encodeURIComponent(name)}`}`

/** Store what stands on standard input: an argument would be seen in the list of processes and kept by the shell. */
export async function setSecret(project: string, name: string): Promise<number> {
  if (process.stdin.isTTY) note('type or paste the value, then Enter and Ctrl-D; it is shown while you type')
  const said = await text(process.stdin)
  // The line end is the shell's or the editor's; a secret whose own ends in one loses nothing that its users miss.
  const value = said.replace(/\r?\n$/, '')
  if (value === '')
    throw new Ending(WRONG_USE, `nothing stood on standard input: takt secrets set ${project} ${name} < file`)
  await call<Secret>(readConfig(), at(project, name), { method: 'PUT', body: { value } })
  note(`secret ${name} of ${project} set`)
  return 0
}

export async function listSecrets(project: string, { json }: Json): Promise<number> {
  const list = await call<{ readonly items: readonly Secret[] }>(readConfig(), at(project))
  if (json) outJson(list)
  else if (list.items.length === 0)
    note(`${project} has no secrets: takt secrets set ${project} <NAME> < file`)
  else out(table(['NAME', 'SET', 'BY'], list.items.map(row)))
  return 0
}

const row = ({ name, updated_at, updated_by }: Secret) => [name, updated_at, updated_by]

export async function removeSecret(project: string, name: string): Promise<number> {
  await send(readConfig(), at(project, name), { method: 'DELETE' })
  note(`secret ${name} of ${project} removed`)
  return 0
}
