import { hostname } from 'node:os'
import type { z } from 'zod'
import type { Me } from '../access/me.ts'
import type { FreshToken, TokenList } from '../access/token-shapes.ts'
import { askLine, askSecret } from './ask.ts'
import { call, send } from './call.ts'
import { type Config, readConfig } from './config.ts'
import { Ending, WRONG_USE } from './ending.ts'
import { type Login, readLogins, writeLogins } from './logins.ts'
import { note } from './print.ts'

type Options = { readonly name?: string; readonly token?: true }

const DAYS = 90
const DAY_MS = 86_400_000

/** Sign the command in: with a name and a password, of which an API token of its own is made; or with a token that is there. */
export async function login(url: string | undefined, { name, token }: Options): Promise<number> {
  const config = { ...readConfig(), token: null, ...(url === undefined ? {} : { url: checked(url) }) }
  warnIfOpen(config.url)
  const kept = token ? await byToken(config) : await byPassword(config, name)
  const { servers } = readLogins(config.loginFile)
  writeLogins(config.loginFile, { current: config.url, servers: { ...servers, [config.url]: kept } })
  note(`signed in to ${config.url} as ${kept.name}; the token lies in ${config.loginFile}`)
  return 0
}

function checked(url: string): string {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new Ending(WRONG_USE, `\`${url}\` is no address of a server: write https://takt.example.org`)
  return url.replace(/\/+$/, '')
}

function warnIfOpen(url: string): void {
  const { protocol, hostname: host } = new URL(url)
  if (protocol === 'http:' && !/^(localhost|127\.|\[::1\])/.test(host))
    note(`${url} is not encrypted: whoever is on the way there can read what you type`)
}

async function byToken(config: Config): Promise<Login> {
  const token = await askSecret('API token: ')
  if (token === '') throw new Ending(WRONG_USE, 'no API token was given')
  const { name } = await call<z.output<typeof Me>>({ ...config, token }, '/api/v1/me')
  return { token, id: null, name }
}

async function byPassword(config: Config, given: string | undefined): Promise<Login> {
  const name = given ?? (await askLine('Name or e-mail address: '))
  const password = await askSecret('Password: ')
  const answer = await send(config, '/api/v1/session', { method: 'POST', body: { name, password } })
  const me = (await answer.json()) as z.output<typeof Me>
  const cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? ''
  const headers = { cookie }
  try {
    const token = await freshToken(config, headers)
    return { token: token.secret, id: token.id, name: me.name }
  } finally {
    await send(config, '/api/v1/session', { method: 'DELETE', headers })
  }
}

/** A token for this machine, in place of the one that it had. */
async function freshToken(
  config: Config,
  headers: Record<string, string>,
): Promise<z.output<typeof FreshToken>> {
  const name = `takt on ${hostname()}`.slice(0, 100)
  const { items } = await call<z.output<typeof TokenList>>(config, '/api/v1/tokens', { headers })
  const before = items.find((token) => token.name === name)
  if (before) await send(config, `/api/v1/tokens/${before.id}`, { method: 'DELETE', headers })
  const expires_at = new Date(Date.now() + DAYS * DAY_MS).toISOString()
  return call(config, '/api/v1/tokens', { method: 'POST', body: { name, expires_at }, headers })
}

/** Forget what `login` has kept for a server, and end the token that it made there. */
export async function logout(url: string | undefined): Promise<number> {
  const config = readConfig()
  const logins = readLogins(config.loginFile)
  const at = url === undefined ? config.url : checked(url)
  const { [at]: kept, ...servers } = logins.servers
  if (!kept) throw new Ending(WRONG_USE, `nobody is signed in to ${at}`)
  writeLogins(config.loginFile, { current: logins.current === at ? null : logins.current, servers })
  if (kept.id !== null)
    await send({ ...config, url: at, token: kept.token }, `/api/v1/tokens/${kept.id}`, { method: 'DELETE' })
  note(`signed out of ${at}`)
  return 0
}
