import { readFile } from 'node:fs/promises'
import { call } from './call.ts'
import { readConfig } from './config.ts'
import { Ending, RED, WRONG_USE } from './ending.ts'
import { note, out, outJson, plain } from './print.ts'

type Json = { readonly json?: true }
type Policies = {
  readonly source: string
  readonly updated_at: string | null
  readonly updated_by: string | null
}
type Tried = {
  readonly files: number
  readonly items: readonly {
    readonly project: string
    readonly pipeline: string
    readonly lane: string
    readonly effect: 'warn' | 'deny'
    readonly words: string
  }[]
}

const at = (organization: string) => `/api/v1/organizations/${encodeURIComponent(organization)}/policies`

/** The policies of an organization, as they were written. */
export async function showPolicies(organization: string, { json }: Json): Promise<number> {
  const policies = await call<Policies>(readConfig(), at(organization))
  if (json) outJson(policies)
  else if (policies.source.trim() === '') note(`${organization} has no policies: its lines may use anything`)
  else out(policies.source.trimEnd())
  return 0
}

export async function setPolicies(organization: string, file: string): Promise<number> {
  const source = await read(file)
  await call(readConfig(), at(organization), { method: 'PUT', body: { source } })
  note(`the policies of ${organization} are set`)
  return 0
}

/** What policies would say of the files in force now. Exit with 1 where they would deny something. */
export async function tryPolicies(
  organization: string,
  file: string | undefined,
  { json }: Json,
): Promise<number> {
  const body = file === undefined ? {} : { source: await read(file) }
  const tried = await call<Tried>(readConfig(), `${at(organization)}/try`, { method: 'POST', body })
  const denies = tried.items.some(({ effect }) => effect === 'deny')
  if (json) outJson(tried)
  else {
    for (const { effect, project, pipeline, lane, words } of tried.items)
      out(plain(`${project}/${pipeline} on ${lane}: ${effect}: ${words}`))
    note(`${tried.files} files are in force; ${tried.items.length} things would be warned of or denied`)
  }
  return denies ? RED : 0
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error)
    throw new Ending(WRONG_USE, `${file} cannot be read: ${words}`, { cause: error })
  }
}
