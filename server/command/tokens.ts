import type { z } from 'zod'
import type { FreshToken, Token, TokenList } from '../access/token-shapes.ts'
import { call, send } from './call.ts'
import { readConfig } from './config.ts'
import { Ending, WRONG_USE } from './ending.ts'
import { localTime, note, out, outJson, table } from './print.ts'

type Json = { readonly json?: true }
/** Whose: one's own, or those of a service account. */
type Whose = { readonly of?: string }

function at({ of }: Whose, id?: string): string {
  const rest = id === undefined ? '' : `/${encodeURIComponent(id)}`
  if (of === undefined) return `/api/v1/tokens${rest}`
  const [organization, account, ...more] = of.split('/')
  if (!organization || !account || more.length > 0)
    throw new Ending(WRONG_USE, `\`${of}\` names no service account: write <organization>/<account>`)
  const parts = [organization, account].map(encodeURIComponent)
  return `/api/v1/organizations/${parts[0]}/service-accounts/${parts[1]}/tokens${rest}`
}

export async function listTokens({ json, ...whose }: Json & Whose): Promise<number> {
  const list = await call<z.output<typeof TokenList>>(readConfig(), at(whose))
  if (json) outJson(list)
  else if (list.items.length === 0) note('there are no API tokens: make one with `takt tokens add <name>`')
  else out(table(['ID', 'NAME', 'BEGINS', 'ROLE', 'PROJECT', 'ENDS', 'USED'], list.items.map(row)))
  return 0
}

const row = (token: z.output<typeof Token>) => [
  String(token.id),
  token.name,
  token.prefix ?? '-',
  token.role ?? '-',
  token.project ?? '-',
  token.expires_at === null ? 'never' : localTime(token.expires_at),
  token.last_used_at === null ? 'never' : localTime(token.last_used_at),
]

type Wish = { readonly role?: string; readonly project?: string; readonly days?: number }

/** Make a token. Its secret goes to standard output alone, for a pipe into a secret store. */
export async function addToken(
  name: string,
  { json, of, days, ...bounds }: Json & Whose & Wish,
): Promise<number> {
  const end = days === undefined ? {} : { expires_at: new Date(Date.now() + days * 86_400_000).toISOString() }
  const made = await call<z.output<typeof FreshToken>>(readConfig(), at(of === undefined ? {} : { of }), {
    method: 'POST',
    body: { name, ...bounds, ...end },
  })
  if (json) outJson(made)
  else {
    note(`token ${made.name} made; this is shown once:`)
    out(made.secret)
  }
  return 0
}

export async function endToken(id: string, whose: Whose): Promise<number> {
  await send(readConfig(), at(whose, id), { method: 'DELETE' })
  note(`token ${id} ended`)
  return 0
}
